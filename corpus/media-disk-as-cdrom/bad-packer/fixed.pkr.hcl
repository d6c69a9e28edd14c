source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  disk_image       = true
}

build {
  sources = ["source.qemu.a"]
}
