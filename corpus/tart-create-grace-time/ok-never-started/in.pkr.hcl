# With communicator = "none" and no boot_command the VM is not started.
source "tart-cli" "mac" {
  from_ipsw    = "latest"
  vm_name      = "tahoe-vanilla"
  communicator = "none"
}

build {
  sources = ["source.tart-cli.mac"]
}
