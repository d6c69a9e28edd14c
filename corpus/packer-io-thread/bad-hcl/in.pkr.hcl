source "proxmox-iso" "a" {
  disks {
    type      = "scsi"
    io_thread = true
  }
}

source "proxmox-clone" "b" {
  scsi_controller = "virtio-scsi-single"
  disks {
    type      = "sata"
    io_thread = true
  }
}
