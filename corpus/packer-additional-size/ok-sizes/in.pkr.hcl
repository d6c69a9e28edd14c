# The size is for qemu-img, which takes parts of a GiB and small letters.
variable "size" {}

source "qemu" "a" {
  disk_additional_size = ["40G", "1T", "1.5g", var.size, "10737418240", "1P"]
}

source "virtualbox-iso" "b" {
  disk_additional_size = [40960]
}
