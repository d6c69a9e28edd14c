source "qemu" "gpu" {
  iso_url  = "https://example.org/a.iso"
  qemuargs = [
    ["-machine", "q35,accel=kvm"],
    ["-device", "intel-iommu"],
    ["-device", "virtio-net,netdev=user.0"],
  ]
}
