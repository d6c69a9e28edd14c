source "qemu" "a" {
  disk_additional_size = ["40GB", "10 GiB", "40960", "10X", "1.5G"]
}
