# The build names the user, or the communicator is none.
variable "how" {}

source "tart-cli" "a" {
  vm_name      = "a"
  vm_base_name = "b"
  communicator = "none"
}

source "tart-cli" "b" {
  vm_name      = "b"
  vm_base_name = "b"
  communicator = var.how
}

source "tart-cli" "c" {
  vm_name      = "c"
  vm_base_name = "b"
}

build {
  sources = ["source.tart-cli.a", "source.tart-cli.b"]
  source "source.tart-cli.c" {
    ssh_username = "admin"
  }
}
