source "qemu" "a" {
  iso_checksum = "sha256:0cc175b9c0f1b6a831c399e269772661"
}

source "qemu" "b" {
  iso_checksum = "0cc175b9c0f1b6a831c399e26977266"
}

source "vmware-iso" "c" {
  iso_checksum = "sha384:0cc175b9c0f1b6a831c399e269772661"
}

source "virtualbox-iso" "d" {
  iso_checksum = "SHA256SUMS"
}

source "qemu" "e" {
  iso_checksum = "md5:zcc175b9c0f1b6a831c399e269772661"
}
