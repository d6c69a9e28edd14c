# The certificate is looked at, or a variable decides.
variable "lax" {}

source "vsphere-iso" "a" {
  insecure_connection = false
}

source "proxmox-clone" "b" {
  insecure_skip_tls_verify = var.lax
}

source "vmware-iso" "c" {
  insecure_connection = true
  winrm_insecure      = true
}
