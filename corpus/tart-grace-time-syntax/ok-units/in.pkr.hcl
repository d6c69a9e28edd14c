# A duration may have several units, and parts of them.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "1m30.5s"
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
