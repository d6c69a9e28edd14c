source "qemu" "a" {
  firmware = "OVMF.fd"
}

source "qemu" "b" {
  efi_boot = true
  firmware = ""
}

source "virtualbox-iso" "c" {
  firmware = "efi"
}
