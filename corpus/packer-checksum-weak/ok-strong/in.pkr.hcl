# A sum of 64 digits is a SHA-256, with or without its name before it.
source "qemu" "a" {
  iso_checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

source "qemu" "b" {
  iso_checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

source "qemu" "c" {
  iso_checksum = "file:https://example.org/SHA512SUMS"
}
