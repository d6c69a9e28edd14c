# The image is a QCOW2, as Packer says.
source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  disk_image       = true
  use_backing_file = true
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
