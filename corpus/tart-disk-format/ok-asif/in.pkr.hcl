# Tart has two formats, raw and asif.
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
