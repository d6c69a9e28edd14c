source "virtualbox-iso" "vmware" {
}

source "proxmox-clone" "proxmox" {
}
