source "qemu" "a" {
  boot_command = "<enter>"
  headless     = "yes"
  disk_image   = 1
  memory       = "2G"
  vm_name      = ["a"]
  qemuargs     = ["-m", "1G"]
  floppy_files = "http/ks.cfg"

  http_content {
    a = "b"
  }

  qemu_img_args = {
    convert = ["-S", "0"]
  }
}
