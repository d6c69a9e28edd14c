# With recovery_partition = "keep" nothing is changed in the disk's file.
source "tart-cli" "mac" {
  from_ipsw          = "latest"
  create_grace_time  = "30s"
  disk_format        = "asif"
  recovery_partition = "keep"
  vm_name            = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
