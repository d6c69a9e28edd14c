# The builders of QEMU and of Proxmox VE do know units; of the others these are numbers.
variable "size" {}

source "virtualbox-iso" "a" {
  disk_size = "40000"
}

source "vmware-iso" "b" {
  disk_size = var.size
}

source "qemu" "c" {
  disk_size = "40G"
}

source "proxmox-iso" "d" {
  disks {
    disk_size = "40G"
  }
}
