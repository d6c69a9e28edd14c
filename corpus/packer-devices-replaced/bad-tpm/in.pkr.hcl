source "qemu" "a" {
  vtpm = true
  qemuargs = [
    ["-device", "virtio-rng-pci"],
  ]
}
