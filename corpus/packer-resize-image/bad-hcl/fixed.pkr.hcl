source "qemu" "a" {
  disk_size = "10G"
}
