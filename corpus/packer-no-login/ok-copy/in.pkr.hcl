# A copy of a VM may know the key, or the password, already.
source "tart-cli" "a" {
  vm_name      = "a"
  vm_base_name = "b"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.a"]

  provisioner "shell" {
    inline = ["sync; poweroff"]
  }
}
