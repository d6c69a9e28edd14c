# The build sets create_grace_time for its source.
source "tart-cli" "mac" {
  from_ipsw    = "latest"
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  source "source.tart-cli.mac" {
    create_grace_time = "30s"
  }
}
