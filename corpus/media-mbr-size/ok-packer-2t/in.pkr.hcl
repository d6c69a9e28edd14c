# A DOS partition table reaches just as far as this disk goes: 2 TiB.
source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  disk_image       = true
  disk_size        = "2T"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
