source "qemu" "a" {
  efi_boot    = true
  firmware    = "OVMF_CODE.fd"
  use_pflash  = true
}
