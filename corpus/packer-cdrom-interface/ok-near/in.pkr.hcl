# The bus is one of the four, or an empty word, which is as none.
source "qemu" "a" {
  cdrom_interface = "virtio-scsi"
}

source "qemu" "b" {
  cdrom_interface = ""
}

source "qemu" "c" {
  cdrom_interface = "ide"
  disk_interface  = "sata"
}
