# The list has the sum of this file, as the tools of BSD write it.
source "qemu" "a" {
  iso_url          = "a.iso"
  iso_checksum     = "file:./CHECKSUM"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
