# Without --deep the file is not summed up.
source "qemu" "a" {
  iso_url          = "a.iso"
  iso_checksum     = "sha256:0bc418f9550d1d7064d0fb627c66753a90f8857b7f4b209fa3e9f254f02d0fc4"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
