# An iso_url or iso_urls that is empty is not set.
variable "url" {}

source "qemu" "a" {
  iso_urls = ["iso/a.iso", "https://example.org/a.iso"]
  iso_url  = ""
}

source "virtualbox-iso" "b" {
  iso_url  = "https://example.org/a.iso"
  iso_urls = []
}

source "vmware-iso" "c" {
  iso_url  = var.url
  iso_urls = ["iso/a.iso"]
}
