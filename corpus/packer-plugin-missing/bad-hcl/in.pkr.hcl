packer {
  required_plugins {
    vmware = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/vmware"
    }
  }
}

source "tart-cli" "a" {
  vm_name      = "a"
  vm_base_name = "b"
  communicator = "none"
}

build {
  sources = ["source.tart-cli.a"]
}
