source "qemu" "deb" {
  iso_url      = "https://example.org/d.iso"
  iso_checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  ssh_username = "root"
  disk_cache   = "unsafe" /* vmend: ignore[disk-cache-unsafe] */
}

build {
  sources = ["source.qemu.deb"]
}
