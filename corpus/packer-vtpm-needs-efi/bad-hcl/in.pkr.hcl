source "vsphere-iso" "a" {
  vTPM = true
}

source "vsphere-clone" "b" {
  firmware = "bios"
  vTPM     = true
}
