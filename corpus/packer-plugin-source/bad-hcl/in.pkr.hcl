packer {
  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "hashicorp/qemu"
    }
    tart = {
      version = ">= 1.12.0"
    }
    vmware = {
      version = ">= 1.0.0"
      source  = "https://github.com/hashicorp/vmware"
    }
    hyperv = ">= 1.0.0"
    vsphere = {
      source = "github.com/hashicorp/vsphere"
    }
  }
}
