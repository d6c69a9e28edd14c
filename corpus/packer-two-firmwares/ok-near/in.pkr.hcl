# Only one of them is set; an empty firmware is as none.
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
