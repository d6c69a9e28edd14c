source "qemu" "a" {
  efi_boot = true
  qemuargs = [
    ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2"],
  ]
}
