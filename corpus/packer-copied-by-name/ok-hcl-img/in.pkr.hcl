# The name does not end like the format: qemu-img converts the image.
source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  disk_image       = true
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
