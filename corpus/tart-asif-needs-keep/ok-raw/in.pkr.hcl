# In a raw disk the plugin can delete the partition.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  disk_format       = "raw"
  vm_name           = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
