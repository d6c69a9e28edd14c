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
