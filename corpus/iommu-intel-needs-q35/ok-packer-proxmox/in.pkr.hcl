source "proxmox-iso" "deb" {
  node    = "pve"
  machine = "q35,viommu=intel"

  boot_iso {
    iso_file = "local:iso/debian.iso"
  }
}

build {
  sources = ["source.proxmox-iso.deb"]
}
