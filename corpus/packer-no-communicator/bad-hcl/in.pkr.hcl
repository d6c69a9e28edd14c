source "qemu" "a" {
  communicator = "none"
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
}

build {
  sources = ["source.qemu.a"]

  provisioner "shell-local" {
    inline = ["true"]
  }

  provisioner "shell" {
    inline = ["true"]
  }
}
