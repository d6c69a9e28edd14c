variable "list" {}

source "qemu" "a" {
  iso_checksum = "file:https://example.org/SHA256SUMS"
}

source "qemu" "b" {
  iso_checksum = "file:${var.list}"
}

source "qemu" "c" {
  iso_url      = "http://example.org/a.iso"
  iso_checksum = "file:./SHA256SUMS"
}
