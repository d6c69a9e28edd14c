source "tart-cli" "a" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  vm_name           = "a"
  ssh_username      = "admin"
}

source "tart-cli" "b" {
  from_ipsw         = "latest"
  vm_name           = "b"
  ssh_username      = "admin"
  create_grace_time = "30s"
}

build {
  sources = ["source.tart-cli.a", "source.tart-cli.b"]
}
