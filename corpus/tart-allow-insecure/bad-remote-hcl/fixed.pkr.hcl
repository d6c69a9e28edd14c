source "tart-cli" "mac" {
  vm_base_name = "registry.example.org/mac/sonoma:14"
  vm_name      = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
