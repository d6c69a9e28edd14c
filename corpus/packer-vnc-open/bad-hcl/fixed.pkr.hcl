source "qemu" "a" {
  vnc_bind_address = "127.0.0.1"
}

source "vmware-iso" "b" {
  vnc_bind_address     = "127.0.0.1"
  vnc_disable_password = true
}

source "virtualbox-iso" "c" {
  vrdp_bind_address = "127.0.0.1"
}
