# Besides delete and keep there is relocate.
source "tart-cli" "mac" {
  from_ipsw          = "latest"
  create_grace_time  = "30s"
  recovery_partition = "relocate"
  vm_name            = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
