# With ssh_agent_auth the key is one that the agent has.
source "virtualbox-iso" "a" {
  iso_url        = "a.iso"
  iso_checksum   = "file:./SHA256SUMS"
  ssh_username   = "packer"
  ssh_agent_auth = true
}

build {
  sources = ["source.virtualbox-iso.a"]

  provisioner "shell" {
    inline = ["sync; poweroff"]
  }
}
