source "qemu" "a" {
  iso_checksum = "md5:0cc175b9c0f1b6a831c399e269772661"
}

source "qemu" "b" {
  iso_checksum = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
}

source "qemu" "c" {
  iso_checksum = "file:https://example.org/a.iso.md5"
}
