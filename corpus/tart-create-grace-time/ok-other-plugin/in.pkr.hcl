packer {
  required_plugins {
    tart = {
      version = "1.0.0"
      source  = "github.com/example/tart"
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
