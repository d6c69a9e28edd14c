source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
