variable "wait" {
  type    = string
  default = "0s"
}

variable "ipsw" {
  default = "latest"
}

source "tart-cli" "mac" {
  from_ipsw         = var.ipsw
  create_grace_time = var.wait
  vm_name           = "tahoe-vanilla"
  ssh_username      = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
