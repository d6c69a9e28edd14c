source "qemu" "a" {
  skip_resize_disk = true
  disk_size        = "10G"
}
