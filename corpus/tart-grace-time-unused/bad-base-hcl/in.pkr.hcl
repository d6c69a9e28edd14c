source "tart-cli" "mac" {
  vm_base_name      = "tahoe-base"
  create_grace_time = "30s"
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
