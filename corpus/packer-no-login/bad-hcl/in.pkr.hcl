source "qemu" "a" {
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
  ssh_username = "packer"
}

build {
  sources = ["source.qemu.a"]

  provisioner "shell" {
    inline = ["sync; poweroff"]
  }
}
