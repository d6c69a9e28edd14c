# What Packer has built is looked at before anybody gets it: the build fails where vmend finds an
# error; --deep reads all of its compressed data, too. Packer 1.7 and later want the plugin qemu
# in `required_plugins` as well.
source "qemu" "debian" {
  iso_url          = "debian-12-netinst.iso"
  iso_checksum     = "file:SHA256SUMS"
  disk_size        = "20G"
  format           = "qcow2"
  vm_name          = "debian.qcow2"
  output_directory = "output"
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.debian"]

  post-processor "shell-local" {
    inline = ["vmend check --deep --fail-on error --output junit=output/vmend.xml output/debian.qcow2"]
  }
}
