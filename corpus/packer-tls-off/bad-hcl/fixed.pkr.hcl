source "vsphere-iso" "a" {
  insecure_connection = false
}

source "proxmox-clone" "b" {
  insecure_skip_tls_verify = "false"
}
