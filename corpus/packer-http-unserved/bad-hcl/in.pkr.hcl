source "qemu" "a" {
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
  communicator = "none"
  boot_command = [
    "<wait>auto url=http://{{ .HTTPIP }}:{{.HTTPPort}}/preseed.cfg",
    "<enter>",
  ]
}

build {
  sources = ["source.qemu.a"]
}
