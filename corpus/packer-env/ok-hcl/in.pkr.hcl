variable "home" {
  default = env("HOME")
}

source "qemu" "a" {
  vm_name = "env-${var.home}"
}
