# There is a disk for the variables, by a newer or older name; a clone has its template's.
source "proxmox-iso" "a" {
  bios = "ovmf"
  efi_config {
    efi_storage_pool = "local-lvm"
  }
}

source "proxmox-iso" "b" {
  bios    = "ovmf"
  efidisk = "local-lvm"
}

source "proxmox-clone" "c" {
  bios = "ovmf"
}

source "proxmox-iso" "d" {
  bios = "seabios"
}
