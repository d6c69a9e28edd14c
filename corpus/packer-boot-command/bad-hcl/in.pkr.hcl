source "qemu" "a" {
  boot_command = ["<enter>"]
  disable_vnc  = true
}

source "virtualbox-iso" "b" {
  boot_command = ["<enter>"]
  boot_steps   = [["<wait>", "waits"]]
}
