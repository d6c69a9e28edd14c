source "qemu" "a" {
  disk_size = "10G"
  headless  = true
  colour    = "red"
}

source "virtualbox-iso" "b" {
  guest_os_type = "Debian_64"
  ssh_user      = "packer"
  colour        = "red"
}

source "tart-cli" "c" {
  vm_name   = "c"
  vm_nmae   = "c"
  cpu_count = 4
}

build {
  source "source.qemu.a" {
    name        = "b"
    accelerator = "kvm"
  }
}
