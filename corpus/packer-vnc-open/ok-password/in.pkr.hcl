# With vnc_use_password who connects needs one; 127.0.0.1 is this machine alone.
variable "asks" {}

source "qemu" "a" {
  vnc_bind_address = "0.0.0.0"
  vnc_use_password = true
}

source "qemu" "b" {
  vnc_bind_address = "0.0.0.0"
  vnc_use_password = var.asks
}

source "qemu" "c" {
  vnc_bind_address = "127.0.0.1"
}

source "vmware-iso" "d" {
  vnc_bind_address = "0.0.0.0"
}
