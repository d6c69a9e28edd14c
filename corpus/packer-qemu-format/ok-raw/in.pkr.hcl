# Besides qcow2 the qemu builder makes raw.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  format           = "raw"
}

build {
  sources = ["source.qemu.deb"]
}
