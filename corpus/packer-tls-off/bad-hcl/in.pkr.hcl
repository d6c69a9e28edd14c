source "vsphere-iso" "a" {
  insecure_connection = true
}

source "proxmox-clone" "b" {
  insecure_skip_tls_verify = "true"
}
