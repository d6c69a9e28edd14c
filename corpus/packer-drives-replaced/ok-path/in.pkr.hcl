# The row has a drive that is a disk: the builder's own is meant to go.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  qemuargs         = [["-drive", "file=out/deb,if=virtio"]]
}

build {
  sources = ["source.qemu.deb"]
}
