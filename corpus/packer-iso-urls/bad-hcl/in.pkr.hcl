source "qemu" "a" {
  iso_url  = "https://example.org/a.iso"
  iso_urls = ["iso/a.iso", "https://example.org/a.iso"]
}
