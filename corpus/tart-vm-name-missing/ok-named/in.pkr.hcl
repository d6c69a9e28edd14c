# The name may be that of the source.
source "tart-cli" "mac" {
  from_ipsw         = "latest"
  create_grace_time = "30s"
  vm_name           = "${source.name}"
}

build {
  sources = ["source.tart-cli.mac"]
}
