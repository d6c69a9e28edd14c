# Sources of different types may have one name.
source "qemu" "a" {
}

source "virtualbox-iso" "a" {
}
