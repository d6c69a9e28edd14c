source "tart-cli" "mac" {
  from_iso     = ["cidata.iso", "/iso/u.iso"]
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
