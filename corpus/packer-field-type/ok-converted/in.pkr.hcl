# Packer converts "true" and "2048" by itself, and null is as nothing.
variable "cores" {
  default = ""
}

variable "any" {}

source "qemu" "a" {
  headless     = "true"
  disk_image   = "0"
  memory       = "2048"
  cpus         = var.cores
  vm_name      = 7
  boot_command = var.any
  iso_urls     = null
  floppy_files = [var.any, 1]
  qemuargs     = [var.any, ["-m", 1024]]
  http_content = { "/a" = "b" }

  qemu_img_args {
    convert = ["-S", "0"]
  }
}

source "proxmox-iso" "b" {
  disks {
    type = "scsi"
  }
  disks {
    type = "virtio"
  }
}
