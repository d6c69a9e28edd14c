# The finding is there: it is what the comment suppresses.
source "qemu" "deb" {
  iso_url      = "https://example.org/d.iso"
  iso_checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  ssh_username = "root"
  # vmend: ignore[disk-cache-unsafe] speed
  disk_cache   = "unsafe"
}

build {
  sources = ["source.qemu.deb"]
}
