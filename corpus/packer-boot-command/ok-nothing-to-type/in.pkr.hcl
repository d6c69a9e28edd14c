# An empty boot_command types nothing, and disable_vnc = false leaves VNC on.
source "qemu" "a" {
  boot_command = []
  disable_vnc  = true
}

source "qemu" "b" {
  boot_command = ["<enter>"]
  disable_vnc  = false
}

source "qemu" "c" {
  boot_steps = [["<enter>", "starts"]]
}
