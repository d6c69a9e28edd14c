source "qemu" "a" {
}

source "qemu" "a" {
}
