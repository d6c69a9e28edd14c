source "qemu" "vm" {
  iso_url      = "https://example.org/a.iso"
  iso_checksum = "file:https://example.org/SHA256SUMS"
  qemuargs = [
    ["-netdev", "user,id=user.0,hostfwd=tcp::{{ .SSHHostPort }}-:22"],
    ["-netdev", "user,id=lab,hostfwd=tcp::8080:80"],
  ]
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.vm"]
}
