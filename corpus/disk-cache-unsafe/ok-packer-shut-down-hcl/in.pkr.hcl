# Packer shuts this guest down, so nothing is lost that matters.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  ssh_username     = "root"
  disk_cache       = "unsafe"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.deb"]
}
