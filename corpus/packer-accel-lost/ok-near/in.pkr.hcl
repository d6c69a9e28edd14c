# The accelerator is in the row, in a row of -accel, or may be in one that is not known.
variable "row" {}

source "qemu" "a" {
  qemuargs = [
    ["-machine", "type=q35,accel=kvm"],
  ]
}

source "qemu" "b" {
  qemuargs = [
    ["-machine", "q35"],
    ["-accel", "kvm"],
  ]
}

source "qemu" "c" {
  accelerator = "tcg"
  qemuargs = [
    ["-machine", "q35"],
  ]
}

source "qemu" "d" {
  qemuargs = [
    ["-machine", "q35"],
    var.row,
  ]
}

source "qemu" "e" {
  machine_type = "q35"
  qemuargs = [
    ["-m", "2G"],
  ]
}
