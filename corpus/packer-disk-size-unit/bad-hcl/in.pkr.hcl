# 40 GB, as for the other builder
source "virtualbox-iso" "a" {
  disk_size = "40GB" # enough
}

source "vmware-iso" "b" {
  disk_size = "61440M"
}

source "vsphere-iso" "c" {
  storage {
    disk_size = 40960
  }
  storage {
    disk_size = "0.5T"
  }
  storage {
    disk_size = "1 TiB"
  }
}
