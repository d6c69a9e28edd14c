# The plugin of the source is among the required ones.
packer {
  required_plugins {
    tart = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/tart"
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
