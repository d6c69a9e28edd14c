source "tart-cli" "mac" {
  vm_base_name       = "ghcr.io/cirruslabs/macos-sonoma-base:14.6"
  disk_size_gb       = 80
  recovery_partition = "relocate"
  vm_name            = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
