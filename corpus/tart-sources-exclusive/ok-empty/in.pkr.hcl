# An empty from_iso or vm_base_name is not set.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  from_iso          = []
  vm_base_name      = ""
  vm_name           = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
