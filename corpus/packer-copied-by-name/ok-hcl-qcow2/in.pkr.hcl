# The image is of the format that its name ends like.
source "qemu" "a" {
  iso_url          = "disk.qcow2"
  iso_checksum     = "none"
  disk_image       = true
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
