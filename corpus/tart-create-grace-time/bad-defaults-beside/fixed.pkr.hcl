source "tart-cli" "mac" {
  from_ipsw         = local.ipsw
  create_grace_time = "30s"
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
