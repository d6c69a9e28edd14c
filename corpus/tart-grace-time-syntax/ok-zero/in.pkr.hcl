# Only 0 needs no unit.
source "tart-cli" "mac" {
  vm_base_name      = "x"
  create_grace_time = 0
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
