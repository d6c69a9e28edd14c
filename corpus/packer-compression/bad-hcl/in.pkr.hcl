source "qemu" "a" {
  disk_compression = true
  disk_image       = true
  use_backing_file = true
}
