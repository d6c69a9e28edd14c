# Controllers are counted from 0: 1 is the second one of two.
variable "types" {}

source "vsphere-iso" "a" {
  disk_controller_type = ["pvscsi", "pvscsi"]
  storage {
    disk_size             = 40960
    disk_controller_index = 1
  }
}

source "vsphere-iso" "b" {
  disk_controller_type = var.types
  storage {
    disk_size             = 40960
    disk_controller_index = 3
  }
}

source "vsphere-iso" "c" {
  storage {
    disk_size             = 40960
    disk_controller_index = 0
  }
}
