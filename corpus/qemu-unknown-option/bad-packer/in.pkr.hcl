source "qemu" "lab" {
  iso_url      = "https://example.org/lab.iso"
  iso_checksum = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  ssh_username = "lab"
  qemuargs = [
    ["-displya", "none"],
    ["-smbios", "type=1,serial=lab"],
    ["-m=2G"],
  ]
}

build {
  sources = ["source.qemu.lab"]
}
