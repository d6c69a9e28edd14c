source "qemu" "a" {
  disk_additional_size = ["40G", "10G", "40960", "10X", "1.5G"]
}
