# Another file of the folder declares them.
source "tart-cli" "a" {
  vm_name      = "${local.name}-${var.names["var.none"]}"
  vm_base_name = "b"
  memory_gb    = var.memory
  communicator = "none"
}

build {
  sources = ["source.tart-cli.a"]

  provisioner "shell-local" {
    inline = [for n in var.list : "echo ${n} ${data.var.x} ${build.var.name}"]
  }
}
