source "qemu" "a" {
  boot_command = ["http://{{ .HTTPIP }}:{{.HTTPPort}}/{{ .Nowhere }}"]
  qemuargs = [
    ["-netdev", "user,id=user.0,hostfwd=tcp::{{ .SSHHostPort }}-:22"],
  ]
}
