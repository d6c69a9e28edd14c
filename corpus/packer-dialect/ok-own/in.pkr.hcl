variable "name" {
  default = "a"
}

source "qemu" "a" {
  vm_name     = "x-${var.name}"
  qemu_binary = "{{ user `other` }}"
}
