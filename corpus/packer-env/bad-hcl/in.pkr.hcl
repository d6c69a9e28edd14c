source "vsphere-clone" "a" {
  notes = "{{env `HOME`}}"
}
