# By its name the base is Linux, which has no recovery partition.
source "tart-cli" "mac" {
  vm_base_name       = "ghcr.io/cirruslabs/ubuntu:24.04"
  disk_size_gb       = 80
  recovery_partition = "keep"
  vm_name            = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
