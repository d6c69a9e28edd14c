# An empty boot_command has no keys to type.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  vm_name           = "tahoe-vanilla"
  disable_vnc       = true
  boot_command      = []
}

build {
  sources = ["source.tart-cli.mac"]
}
