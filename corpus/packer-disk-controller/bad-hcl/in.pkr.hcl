source "vsphere-iso" "a" {
  disk_controller_type = ["pvscsi", "nvme"]
  storage {
    disk_size             = 40960
    disk_controller_index = 2
  }
}

source "vsphere-iso" "b" {
  storage {
    disk_size             = 40960
    disk_controller_index = 1
  }
}
