source "qemu" "gpu" {
  iso_url  = "https://example.org/a.iso"
  qemuargs = [
    ["-machine", "q35,accel=kvm,iommu=on"],
    ["-device", "virtio-net,netdev=user.0"],
  ]
}
