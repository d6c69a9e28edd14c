# With disk_image = true there is an image to stand on.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  use_backing_file = true
  disk_image       = "true"
}

build {
  sources = ["source.qemu.deb"]
}
