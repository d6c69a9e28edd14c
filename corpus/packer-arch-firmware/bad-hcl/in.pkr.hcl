source "qemu" "a" {
  qemu_binary  = "/usr/bin/qemu-system-aarch64"
  machine_type = "virt"
  efi_boot     = true
}
