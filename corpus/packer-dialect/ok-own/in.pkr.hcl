# The variable is ${var.name}; the other name is none of the variables of this template.
variable "name" {
  default = "a"
}

source "qemu" "a" {
  vm_name     = "x-${var.name}"
  qemu_binary = "{{ user `other` }}"
}
