# The firmware is efi-secure; what a variable stands for is not known.
variable "firmware" {}

source "vsphere-iso" "a" {
  firmware = "efi-secure"
  vTPM     = true
}

source "vsphere-iso" "b" {
  firmware = var.firmware
  vTPM     = true
}

source "vsphere-iso" "c" {
  vTPM = false
}
