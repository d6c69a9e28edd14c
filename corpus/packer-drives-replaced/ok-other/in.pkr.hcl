# No row of qemuargs has -drive: the builder's own stay.
source "qemu" "deb" {
  iso_url          = "https://example.org/d.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  qemuargs         = [["-m", "4G"], ["-smp", "2"]]
}

build {
  sources = ["source.qemu.deb"]
}
