source "virtualbox-iso" "a" {
  hard_drive_interface = "SATA"
}

source "virtualbox-iso" "b" {
  hard_drive_interface = "nvme"
}

source "vsphere-clone" "c" {
  firmware = "efi_secure"
}

source "qemu" "d" {
  disk_interface = "virtio_scsi"
  disk_cache     = "write-back"
  disk_discard   = "on"
}
