# A medium with drivers is made of cd_files.
source "qemu" "w" {
  iso_url          = "/var/lib/libvirt/images/win.iso"
  iso_checksum     = "none"
  disk_size        = "64G"
  cd_files         = ["./drivers/*"]
  communicator     = "winrm"
  winrm_username   = "vagrant"
  shutdown_command = "shutdown /s"
}

build {
  sources = ["source.qemu.w"]
}
