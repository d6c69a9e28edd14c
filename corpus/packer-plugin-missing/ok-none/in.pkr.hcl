# Without required_plugins all plugins are installed by hand.
source "tart-cli" "a" {
  vm_name      = "a"
  vm_base_name = "b"
  communicator = "none"
}

build {
  sources = ["source.tart-cli.a"]
}
