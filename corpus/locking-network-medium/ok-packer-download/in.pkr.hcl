source "qemu" "deb" {
  iso_url          = "https://example.org/mnt/nas/iso/debian-12.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.deb"]
}
