# Another plugin of the same name may have other members.
packer {
  required_plugins {
    virtualbox = {
      version = "1.0.0"
      source  = "example.org/somebody/virtualbox"
    }
  }
}

source "qemu" "a" {
  efi_drop_efivars      = true
  http_network_protocol = "tcp4"

  qemu_img_args {
    convert = ["-o", "preallocation=falloc"]
  }

  dynamic "qemu_img_args" {
    for_each = []
    content {}
  }
}

source "virtualbox-iso" "b" {
  guest_os_typ = "Debian_64"
}

source "proxmox-iso" "c" {
  something_new = true
}

source "null" "d" {
  communicater = "none"
}
