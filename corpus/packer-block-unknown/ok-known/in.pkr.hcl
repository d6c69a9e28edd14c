# All of these are blocks that Packer knows.
packer {
}

variable "a" {
  type      = string
  sensitive = true

  validation {
    condition     = length(var.a) > 0
    error_message = "It is empty."
  }
}

variables {
  b = 1
}

data "http" "c" {
  url = "https://example.org"
}

source "qemu" "a" {
}

build {
  name = "n"

  source "source.qemu.a" {
    name = "b"
  }

  hcp_packer_registry {
    bucket_name = "b"
  }

  post-processors {
    post-processor "checksum" {
    }
  }
}
