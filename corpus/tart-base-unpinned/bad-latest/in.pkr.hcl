source "tart-cli" "mac" {
  vm_base_name = "ghcr.io/cirruslabs/macos-sonoma-base:latest"
  vm_name      = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
