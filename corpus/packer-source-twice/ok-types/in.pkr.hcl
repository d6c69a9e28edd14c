source "qemu" "a" {
}

source "virtualbox-iso" "a" {
}
