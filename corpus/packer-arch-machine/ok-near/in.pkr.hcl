# The machine is one of that architecture, or what is started is not known.
variable "binary" {}

source "qemu" "a" {
  qemu_binary  = "qemu-system-aarch64"
  machine_type = "virt,gic-version=3"
}

source "qemu" "b" {
  qemu_binary = var.binary
}

source "qemu" "c" {
  qemu_binary = "qemu-system-aarch64"
  qemuargs = [
    ["-M", "virt"],
  ]
}

source "qemu" "d" {
  qemu_binary = "my-qemu"
}
