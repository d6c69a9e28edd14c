source "tart-cli" "a" {
  from_ipsw    = "latest"
  vm_name      = "a"
  ssh_username = "admin"
}

source "tart-cli" "b" {
  from_ipsw         = "latest"
  vm_name           = "b"
  ssh_username      = "admin"
  create_grace_time = "1s"
}

build {
  sources = ["source.tart-cli.a", "source.tart-cli.b"]
}
