# The accelerator is one that QEMU has; that a builder is called hax does not matter.
source "qemu" "a" {
  accelerator = "hvf"
}

source "virtualbox-iso" "hax" {
}
