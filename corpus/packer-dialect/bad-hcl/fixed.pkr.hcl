variable "name" {
  default = "a"
}

source "qemu" "a" {
  vm_name      = "x-${var.name}"
  floppy_files = ["a", "${var.name}/b"]
}
