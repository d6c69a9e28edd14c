source "qemu" "a" {
  iso_url          = "https://example.org/a.iso"
  iso_checksum     = "file:https://example.org/SHA256SUMS"
  disk_size        = "1G"
  ssh_username     = "root"
  shutdown_command = "poweroff"
  efi_firmware_code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
  efi_firmware_vars = "/usr/share/OVMF/OVMF_VARS.fd"
}

build {
  sources = ["source.qemu.a"]
}
