# The image is as large as disk_size: nothing is to be made smaller.
source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  disk_image       = true
  disk_size        = "2G"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
