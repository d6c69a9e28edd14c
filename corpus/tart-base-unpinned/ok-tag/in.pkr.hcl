# The tag is that of a version.
source "tart-cli" "mac" {
  vm_base_name = "ghcr.io/cirruslabs/macos-sonoma-base:14.6"
  vm_name      = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
