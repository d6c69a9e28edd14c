source "tart-cli" "mac" {
  from_ipsw    = local.ipsw
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
