# The firmware of that architecture is named, or the VM is one of x86_64.
source "qemu" "a" {
  qemu_binary       = "qemu-system-aarch64"
  machine_type      = "virt"
  efi_firmware_code = "AAVMF_CODE.fd"
  efi_firmware_vars = "AAVMF_VARS.fd"
}

source "qemu" "b" {
  efi_boot = true
}
