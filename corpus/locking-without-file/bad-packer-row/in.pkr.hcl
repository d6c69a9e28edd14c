source "qemu" "w10" {
  iso_url  = "https://example.org/w10.iso"
  qemuargs = [["-drive", "file.locking=off"], ["-m", "4G"]]
}
