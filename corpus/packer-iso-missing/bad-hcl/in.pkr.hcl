source "qemu" "a" {
  iso_checksum = "none"
  ssh_username = "packer"
}

source "virtualbox-iso" "b" {
  iso_url      = "a.iso"
  ssh_username = "packer"
}

build {
  sources = ["qemu.a", "source.virtualbox-iso.b"]
}
