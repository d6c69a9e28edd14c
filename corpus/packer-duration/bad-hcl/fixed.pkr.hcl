source "qemu" "a" {
  boot_wait        = "10s"
  ssh_timeout      = "30"
  shutdown_timeout = "5 min"
}

source "vsphere-iso" "b" {
  boot_wait         = "5s"
  ip_settle_timeout = "1min"
}
