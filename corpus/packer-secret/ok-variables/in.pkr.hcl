# It is in a variable; the ssh_password of the guest opens no more than the VM.
variable "password" {
  type      = string
  sensitive = true
}

variable "token" {
  default   = "changeme"
  sensitive = true
}

source "vsphere-iso" "a" {
  password     = var.password
  ssh_password = "vagrant"
}

source "proxmox-iso" "b" {
  token    = var.token
  password = ""
}

source "vmware-iso" "c" {
  vnc_disable_password = true
}
