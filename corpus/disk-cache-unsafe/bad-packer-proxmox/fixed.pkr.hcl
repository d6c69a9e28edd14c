source "proxmox-iso" "t" {
  vm_name      = "t"
  ssh_username = "root"

  disks {
    type      = "scsi"
    disk_size = "20G"
  }
}

build {
  sources = ["source.proxmox-iso.t"]
}
