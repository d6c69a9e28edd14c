# The row forwards the port itself, or Packer logs in by another way, or not at all.
source "qemu" "a" {
  qemuargs = [
    ["-netdev", "user,id=user.0,hostfwd=tcp::{{ .SSHHostPort }}-:22"],
  ]
}

source "qemu" "b" {
  communicator = "none"
  qemuargs = [
    ["-netdev", "user,id=user.0"],
  ]
}

source "qemu" "c" {
  qemuargs = [
    ["-netdev", "bridge,id=user.0,br=br0"],
  ]
}

source "qemu" "d" {
  ssh_host = "192.0.2.7"
  qemuargs = [
    ["-netdev", "user,id=user.0"],
  ]
}
