source "qemu" "a" {
  disk_szie = "10G"
  Headless  = true
  colour    = "red"
}

source "virtualbox-iso" "b" {
  guest_os_typ = "Debian_64"
  ssh_user     = "packer"
  colour       = "red"
}

source "tart-cli" "c" {
  vm_name  = "c"
  vm_nmae  = "c"
  cpu_cont = 4
}

build {
  source "source.qemu.a" {
    name       = "b"
    acelerator = "kvm"
  }
}
