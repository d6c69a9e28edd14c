# From 10 MiB on the qemu builder takes what is said; others take less.
source "qemu" "a" {
  memory = 64
}

source "tart-cli" "b" {
  vm_name   = "b"
  memory_gb = 8
}

source "virtualbox-iso" "c" {
  memory = 4
}
