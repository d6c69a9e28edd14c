# The firmware is EFI, be it that vboxmanage sets it.
source "virtualbox-iso" "a" {
  firmware             = "efi"
  hard_drive_interface = "pcie"
}

source "virtualbox-iso" "b" {
  hard_drive_interface = "pcie"
  vboxmanage           = [["modifyvm", "{{.Name}}", "--firmware", "EFI"]]
}

source "virtualbox-iso" "c" {
  hard_drive_interface = "sata"
}
