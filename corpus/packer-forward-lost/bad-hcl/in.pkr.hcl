source "qemu" "a" {
  qemuargs = [
    ["-netdev", "user,id=user.0"],
  ]
}
