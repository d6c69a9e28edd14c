# A source may have more folders than one.
packer {
  required_version = ">= 1.7.0"

  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
    tart = {
      version = ">= 1.12.0"
      source  = "example.org/some/folder/tart"
    }
  }
}
