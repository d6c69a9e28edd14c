source "virtualbox-iso" "a" {
  hard_drive_interface = "sata"
}

source "virtualbox-iso" "b" {
  hard_drive_interface = "nvme"
}

source "vsphere-clone" "c" {
  firmware = "efi-secure"
}

source "qemu" "d" {
  disk_interface = "virtio-scsi"
  disk_cache     = "writeback"
  disk_discard   = "on"
}
