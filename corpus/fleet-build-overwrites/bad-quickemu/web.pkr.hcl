packer {
  required_plugins {
    qemu = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/qemu"
    }
  }
}

source "qemu" "web" {
  iso_url          = "https://example.org/debian.iso"
  iso_checksum     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  output_directory = "out"
  vm_name          = "web.img"
  format           = "raw"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.web"]
}
