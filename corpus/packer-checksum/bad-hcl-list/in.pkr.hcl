source "qemu" "a" {
  iso_url          = "a.iso"
  iso_checksum     = "file:./SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
