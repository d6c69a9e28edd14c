source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  qemuargs         = [["-m", "4G"], ["-drive", "file=/iso/virtio-win.iso,media=cdrom,index=3"]]
}

build {
  sources = ["source.qemu.deb"]
}
