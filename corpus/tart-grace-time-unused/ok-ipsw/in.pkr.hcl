# With from_ipsw macOS is installed, and the time is for that.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
