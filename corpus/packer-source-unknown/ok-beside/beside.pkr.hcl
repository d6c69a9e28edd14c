source "qemu" "b" {
}
