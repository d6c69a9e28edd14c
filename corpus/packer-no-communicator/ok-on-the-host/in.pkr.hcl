# The provisioner runs on the host (shell-local), or not for this source (only).
source "qemu" "a" {
  communicator = "none"
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
}

source "null" "b" {
  ssh_host     = "localhost"
  ssh_username = "packer"
}

build {
  sources = ["source.qemu.a", "source.null.b"]

  provisioner "shell-local" {
    inline = ["true"]
  }

  provisioner "shell" {
    only   = ["null.b"]
    inline = ["true"]
  }
}

build {
  sources = ["source.null.b"]

  provisioner "shell" {
    inline = ["true"]
  }
}
