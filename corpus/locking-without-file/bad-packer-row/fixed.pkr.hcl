source "qemu" "w10" {
  iso_url  = "https://example.org/w10.iso"
  qemuargs = [["-m", "4G"]]
}
