source "qemu" "a" {
  accelerator = "hax"
}
