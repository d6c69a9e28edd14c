# The environment is asked in a variable's default.
variable "home" {
  default = env("HOME")
}

source "qemu" "a" {
  vm_name = "env-${var.home}"
}
