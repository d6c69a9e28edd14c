source "qemu" "a" {
}

build {
  sources = ["source.qemu.b", "qemu.a"]

  source "source.tart-cli.a" {
  }
}
