source "qemu" "a" {
  accelerator = "hvf"
}

source "virtualbox-iso" "hax" {
}
