# What is old for one builder is a name of today for another, or of another plugin.
packer {
  required_plugins {
    proxmox = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/proxmox"
    }
    vmware = {
      version = "1.0.0"
      source  = "example.org/somebody/vmware"
    }
  }
}

source "proxmox-iso" "a" {
  iso_file = "local:iso/a.iso"
}

source "vmware-iso" "b" {
  iso_checksum_type = "sha256"
}

source "vsphere-clone" "c" {
  network   = "VM Network"
  disk_size = 40960
}
