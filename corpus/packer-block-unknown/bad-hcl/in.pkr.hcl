varaible "a" {
}

source "qemu" "a" {
}

build {
  sorces = ["source.qemu.a"]

  something {
  }
}

variable "b" {
  defalt = 1
}
