# The letter may be a small one.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  disk_size        = "40g"
}

build {
  sources = ["source.qemu.deb"]
}
