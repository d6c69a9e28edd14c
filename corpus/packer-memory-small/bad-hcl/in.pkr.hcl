source "qemu" "a" {
  memory = 4
}
