source "qemu" "a" {
  boot_command = ["http://{{ .HttpIP }}:{{.HTTPPort}}/{{ .Nowhere }}"]
  qemuargs = [
    ["-netdev", "user,id=user.0,hostfwd=tcp::{{ .SSHHostport }}-:22"],
  ]
}
