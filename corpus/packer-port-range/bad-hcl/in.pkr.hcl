source "qemu" "a" {
  http_port_min = 9500
}

source "qemu" "b" {
  vnc_port_min  = 6000
  vnc_port_max  = 5950
  host_port_max = 70000
}

source "virtualbox-iso" "c" {
  vrdp_port_max = 5000
}
