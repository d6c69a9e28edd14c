# With disk_image = true there is an image that keeps its size.
variable "image" {}

source "qemu" "a" {
  disk_image       = true
  skip_resize_disk = true
}

source "qemu" "b" {
  disk_image       = var.image
  skip_resize_disk = true
}

source "qemu" "c" {
  skip_resize_disk = false
}
