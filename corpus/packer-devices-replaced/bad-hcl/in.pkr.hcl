source "qemu" "a" {
  disk_interface = "virtio-scsi"
  qemuargs = [
    ["-device", "virtio-rng-pci"],
  ]
}
