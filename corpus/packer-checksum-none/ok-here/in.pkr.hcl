# The image is a file of this machine, or nobody knows from here where it comes from.
variable "url" {}

source "qemu" "a" {
  iso_url      = "iso/a.iso"
  iso_checksum = "none"
}

source "qemu" "b" {
  iso_url      = var.url
  iso_checksum = "none"
}

source "qemu" "c" {
  iso_url      = "https://example.org/a.iso"
  iso_checksum = "file:https://example.org/SHA256SUMS"
}
