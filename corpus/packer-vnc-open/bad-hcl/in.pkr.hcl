source "qemu" "a" {
  vnc_bind_address = "0.0.0.0"
}

source "vmware-iso" "b" {
  vnc_bind_address     = "0.0.0.0"
  vnc_disable_password = true
}

source "virtualbox-iso" "c" {
  vrdp_bind_address = "0.0.0.0"
}
