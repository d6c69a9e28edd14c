# An empty value is as none; what a variable stands for is not known.
variable "bus" {}

source "virtualbox-iso" "a" {
  hard_drive_interface = "pcie"
  firmware             = "efi"
}

source "vsphere-iso" "b" {
  firmware = ""
}

source "qemu" "c" {
  disk_interface = var.bus
  disk_cache     = "none"
  disk_discard   = "unmap"
}

source "vmware-iso" "d" {
  disk_adapter_type = "lsilogic"
}
