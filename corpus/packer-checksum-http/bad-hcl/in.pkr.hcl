source "qemu" "a" {
  iso_checksum = "file:http://example.org/SHA256SUMS"
}
