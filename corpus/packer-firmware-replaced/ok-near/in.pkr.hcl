# A row has the flash again, or the VM has no UEFI.
variable "drive" {}

source "qemu" "a" {
  efi_boot = true
  qemuargs = [
    ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2"],
    ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=OVMF_CODE.fd"],
  ]
}

source "qemu" "b" {
  efi_boot = true
  qemuargs = [
    ["-drive", "${var.drive}"],
  ]
}

source "qemu" "c" {
  qemuargs = [
    ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2"],
  ]
}
