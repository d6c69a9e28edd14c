source "qemu" "a" {
  qemuargs = [
    ["-machine", "type=q35,accel=kvm:tcg"],
    ["-m", "{{ .Name }}"],
  ]
}
