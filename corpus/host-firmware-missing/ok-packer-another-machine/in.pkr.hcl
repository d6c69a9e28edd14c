# Without --host the template may be for another machine.
source "qemu" "a" {
  iso_url           = "https://example.org/a.iso"
  iso_checksum      = "file:https://example.org/SHA256SUMS"
  efi_boot          = true
  efi_firmware_code = "/usr/share/vmend-has-none/OVMF_CODE.fd"
  efi_firmware_vars = "/usr/share/vmend-has-none/OVMF_VARS.fd"
  ssh_username      = "root"
  shutdown_command  = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
