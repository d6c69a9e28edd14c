source "tart-cli" "mac" {
  from_ipsw    = "latest"
  vm_name      = "tahoe-vanilla"
  communicator = "none"

  boot_command = ["<wait60s>"]
}

build {
  sources = ["source.tart-cli.mac"]
}
