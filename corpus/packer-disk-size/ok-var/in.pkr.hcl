# The value that counts is the one of the last option, --var.
variable "size" {
  type    = string
  default = "40G"
}

variable "unit" {
  type = string
}

source "qemu" "a" {
  iso_url   = "https://example.org/a.iso"
  disk_size = var.size
}

source "qemu" "b" {
  iso_url   = "https://example.org/b.iso"
  disk_size = "20${var.unit}"
}
