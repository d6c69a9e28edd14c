packer {
  required_plugins {
    tart = {
      version = "= 0.5.2"
      source  = "github.com/cirruslabs/tart"
    }
  }
}

source "tart-cli" "mac" {
  from_ipsw    = "latest"
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
