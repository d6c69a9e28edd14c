# A range of one port is right: the least and the greatest are the same.
variable "port" {}

source "qemu" "a" {
  http_port_min = 8600
  http_port_max = 8600
  host_port_min = 4444
  vnc_port_min  = 0
}

source "qemu" "b" {
  http_port_min = var.port
  http_port_max = 80
}
