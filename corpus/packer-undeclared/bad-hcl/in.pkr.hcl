variable "memory" {
  default = 2048
}

variable "base" {
  default = "sequoia"
}

locals {
  name = "${var.base}-1"
  more = "${var.bsae}-2"
}

source "tart-cli" "a" {
  vm_name      = local.name
  vm_base_name = var.base
  memory_gb    = var.memroy / 1024
  disk_size_gb = var.memory
  communicator = "none"
}

build {
  sources = ["source.tart-cli.a"]

  provisioner "shell-local" {
    inline = [
      "echo ${local.name} ${upper(var.word)} $${var.shell} $var.shell",
      <<-EOT
      echo ${local.nothing} ${local.more}
      EOT
    ]
  }
}
