# Linux is installed from an ISO image, without Apple's helper process.
source "tart-cli" "mac" {
  from_iso     = ["/iso/ubuntu.iso"]
  vm_name      = "u"
  ssh_username = "admin"
}

build {
  sources = ["source.tart-cli.mac"]
}
