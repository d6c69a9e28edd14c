# The kind may be in capitals, or be known by the number of digits, which may be capitals.
variable "sum" {}

source "qemu" "a" {
  iso_checksum = "MD5:0cc175b9c0f1b6a831c399e269772661"
}

source "qemu" "b" {
  iso_checksum = "0CC175B9C0F1B6A831C399E269772661"
}

source "qemu" "c" {
  iso_checksum = "file:http://example.org/SHA256SUMS"
}

source "qemu" "d" {
  iso_checksum = "sha256:${var.sum}"
}

source "qemu" "e" {
  iso_checksum = "none"
}
