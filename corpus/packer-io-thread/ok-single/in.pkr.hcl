# The controller is virtio-scsi-single; what a variable stands for is not known.
variable "controller" {}

source "proxmox-iso" "a" {
  scsi_controller = "virtio-scsi-single"
  disks {
    io_thread = true
  }
}

source "proxmox-iso" "b" {
  scsi_controller = var.controller
  disks {
    type      = "virtio"
    io_thread = true
  }
}

source "proxmox-iso" "c" {
  disks {
    io_thread = false
  }
}
