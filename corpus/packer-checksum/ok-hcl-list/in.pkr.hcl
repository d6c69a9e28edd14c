source "qemu" "a" {
  iso_url          = "a.iso"
  iso_checksum     = "file:./CHECKSUM"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
