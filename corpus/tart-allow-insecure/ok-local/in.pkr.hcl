# The registry is on this machine: nothing comes over a network.
source "tart-cli" "mac" {
  vm_base_name   = "localhost:5000/sonoma:14"
  allow_insecure = true
  vm_name        = "tahoe-vanilla"
}

build {
  sources = ["source.tart-cli.mac"]
}
