source "qemu" "a" {
  iso_url      = "https://example.org/a.iso"
  iso_checksum = "none"
}
