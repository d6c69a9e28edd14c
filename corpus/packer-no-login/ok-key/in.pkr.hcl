# The boot_command hands the key over: {{ .SSHPublicKey }}.
source "qemu" "a" {
  iso_url      = "a.iso"
  iso_checksum = "file:./SHA256SUMS"
  ssh_username = "packer"
  boot_command = ["<wait>sshkey='{{ .SSHPublicKey }}'<enter>"]
}

build {
  sources = ["source.qemu.a"]

  provisioner "shell" {
    inline = ["sync; poweroff"]
  }
}
