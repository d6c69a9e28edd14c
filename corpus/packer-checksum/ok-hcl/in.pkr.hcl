# The sum is that of the file; capital letters make no difference.
source "qemu" "a" {
  iso_url          = "a.iso"
  iso_checksum     = "sha512:D6292685B380E338E025B3415A90FE8F9D39A46E7BDBA8CB78C50A338CEFCA741F69E4E46411C32DE1AFDEDFB268E579A51F81FF85E56F55B0EE7C33FE8C25C9"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.a"]
}
