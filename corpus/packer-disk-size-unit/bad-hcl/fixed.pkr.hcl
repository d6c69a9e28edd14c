# 40 GB, as for the other builder
source "virtualbox-iso" "a" {
  disk_size = "40960" # enough
}

source "vmware-iso" "b" {
  disk_size = "61440"
}

source "vsphere-iso" "c" {
  storage {
    disk_size = 40960
  }
  storage {
    disk_size = "0.5T"
  }
  storage {
    disk_size = "1048576"
  }
}
