source "proxmox-iso" "x" {
  bios = "ovmf"
}
