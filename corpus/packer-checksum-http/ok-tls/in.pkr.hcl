# The list comes over TLS or is a file; how the image itself comes does not matter then.
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
