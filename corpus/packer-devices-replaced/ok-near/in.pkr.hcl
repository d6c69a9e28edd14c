# The rows attach the disk again, or the disk has no -device of its own.
source "qemu" "a" {
  disk_interface = "virtio-scsi"
  qemuargs = [
    ["-device", "virtio-rng-pci"],
    ["-device", "virtio-scsi-pci,id=scsi0"],
    ["-device", "scsi-hd,bus=scsi0.0,drive=drive0"],
  ]
}

source "qemu" "b" {
  disk_interface = "virtio"
  qemuargs = [
    ["-device", "virtio-rng-pci"],
  ]
}

source "qemu" "c" {
  vtpm = true
  qemuargs = [
    ["-m", "2G"],
  ]
}
