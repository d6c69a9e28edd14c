source "tart-cli" "a" {
  vm_name      = "a"
  vm_base_name = "b"
  ssh_password = var.password
}

variable "password" {
  sensitive = true
}

source "proxmox-iso" "b" {
  communicator = "winrm"
  ssh_username = "packer"
}

build {
  sources = ["source.tart-cli.a", "source.proxmox-iso.b"]
}
