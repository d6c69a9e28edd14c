source "qemu" "a" {
  iso_url           = "a.iso"
  iso_checksum      = "none"
  ssh_username      = "packer"
  ssh_wait_timeout  = "20m"
  ssh_host_port_min = 2222
  ssh_host_port_max = 2230
}

source "hyperv-vmcx" "b" {
  cpu      = 2
  ram_size = 2048
  memory   = 4096
}

packer {
  required_plugins {
    proxmox = {
      version = ">= 1.2.0"
      source  = "github.com/hashicorp/proxmox"
    }
  }
}

source "proxmox-iso" "c" {
  iso_file = "local:iso/a.iso"
}
