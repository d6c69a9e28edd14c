source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  from_iso          = ["/x.iso"]
  vm_name           = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
