source "qemu" "a" {
  qemu_binary  = "qemu-system-aarch64"
  machine_type = "virt"
}
