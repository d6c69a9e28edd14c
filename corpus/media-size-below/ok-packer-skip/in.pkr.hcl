# With skip_resize_disk the image keeps its size.
source "qemu" "a" {
  iso_url          = "disk.img"
  iso_checksum     = "none"
  disk_image       = true
  disk_size        = "1G"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  skip_resize_disk = true
}

build {
  sources = ["source.qemu.a"]
}
