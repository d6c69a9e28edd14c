source "qemu" "a" {
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
  ssh_username = "packer"
  ssh_password = "packer"
}

build {
  sources = ["source.qemu.a"]

  provisioner "shell" {
    inline = ["apt-get update"]
  }
}
