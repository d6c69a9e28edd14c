source "qemu" "a" {
  cdrom_interface = "sata"
}
