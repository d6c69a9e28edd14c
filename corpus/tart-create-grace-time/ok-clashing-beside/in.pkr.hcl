variable "a" {
  default = ""
}

source "tart-cli" "mac" {
  from_ipsw    = var.ipsw
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
