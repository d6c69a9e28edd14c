packer {
  required_plugins {
    tart = {
      version = ">= 1.12.0"
      source  = "github.com/cirruslabs/tart"
    }
  }
}

variable "macos_version" {
  type    = string
  default = "tahoe"
}

source "tart-cli" "tart" {
  # You can find macOS IPSW URLs on https://ipsw.me
  from_ipsw         = "https://updates.cdn-apple.com/UniversalMac_26.0_25A354_Restore.ipsw"
  create_grace_time = "30s"
  vm_name           = "${var.macos_version}-vanilla"
  cpu_count         = 4
  memory_gb         = 8
  disk_size_gb      = 40
  ssh_password      = "admin"
  ssh_username      = "admin"
  ssh_timeout       = "180s"

  boot_command = [
    # hello, hola, bonjour, etc.
    "<wait60s><spacebar>",
    "<wait30s>italiano<esc>english<enter>",
  ]
}

build {
  sources = ["source.tart-cli.tart"]

  provisioner "shell" {
    inline = ["echo admin | sudo -S sh -c \"mkdir -p /etc/sudoers.d/\""]
  }
}
