source "qemu" "a" {
  iso_url          = "https://example.org/a.iso"
  iso_checksum     = "none"
  qemuargs         = [["-drive", "file=disk.img,format=qcow2,if=virtio"]]
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
