# Another file of the folder has the source.
source "qemu" "a" {
}

locals {
  all = ["source.qemu.z"]
}

build {
  sources = ["source.qemu.a", "source.qemu.b"]
}

build {
  sources = local.all
}
