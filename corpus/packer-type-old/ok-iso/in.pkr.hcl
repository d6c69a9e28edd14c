# The types are those of today; the name behind the type is free.
source "virtualbox-iso" "vmware" {
}

source "proxmox-clone" "proxmox" {
}
