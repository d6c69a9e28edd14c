# With ${path.root} the path begins at the template's folder.
source "tart-cli" "mac" {
  from_iso     = ["/iso/u.iso", "${path.root}/cidata.iso"]
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
