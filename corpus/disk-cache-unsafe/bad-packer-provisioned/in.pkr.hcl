variable "password" {
  sensitive = true
}

source "qemu" "deb" {
  iso_url      = "https://example.org/d.iso"
  iso_checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  ssh_username = "root"
  ssh_password = var.password
  disk_cache   = "unsafe"
}

build {
  sources = ["source.qemu.deb"]

  provisioner "shell" {
    script = "setup.sh"
  }
}
