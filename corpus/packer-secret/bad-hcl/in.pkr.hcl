variable "token" {
  default = "c2bd2a2f-5c26-4c0a-9d1f-6a3c3f3c8f10"
}

source "vsphere-iso" "a" {
  password = "Passw0rd!"
}

source "proxmox-iso" "b" {
  token = var.token
}
