# A provisioner switches the guest off by itself.
source "qemu" "a" {
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
  ssh_username = "packer"
  ssh_password = "packer"
}

build {
  sources = ["source.qemu.a"]

  provisioner "shell" {
    inline = ["nohup sh -c 'sleep 5; poweroff' &"]
  }
}
