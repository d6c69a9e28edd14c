source "tart-cli" "mac" {
  from_ipsw         = "latest"
  vm_base_name      = "tahoe-base"
  create_grace_time = "30s"
  vm_name           = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
