source "qemu" "a" {
  qemuargs = [
    ["-machine", "type=q35"],
    ["-m", "{{ .Name }}"],
  ]
}
