# The build may name the image, and a builder that no build names is not checked.
variable "sum" {
  default = ""
}

source "qemu" "a" {
  communicator = "none"
}

source "qemu" "b" {
  communicator = "none"
  iso_url      = "a.iso"
  iso_checksum = var.sum
}

source "virtualbox-ovf" "c" {
  communicator = "none"
  source_path  = "a.ova"
}

source "hyperv-iso" "never-built" {
}

build {
  source "source.qemu.a" {
    iso_url      = "a.iso"
    iso_checksum = "none"
  }
  sources = ["source.qemu.b", "source.virtualbox-ovf.c"]
}
