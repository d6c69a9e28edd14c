source "qemu" "deb" {
  iso_url          = "/mnt/nas/iso/debian-12.iso"
  iso_checksum     = "none"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.deb"]
}
