# A file is served where http_directory is set, be it by a variable.
variable "folder" {
  default = ""
}

source "tart-cli" "a" {
  vm_name        = "a"
  vm_base_name   = "b"
  communicator   = "none"
  http_directory = var.folder
  boot_command   = ["curl http://{{ .HTTPIP }}:{{ .HTTPPort }}/a<enter>"]
}

source "tart-cli" "b" {
  vm_name      = "b"
  vm_base_name = "b"
  communicator = "none"
  boot_command = ["curl http://{{ .HTTPIP }}:8080/a<enter>"]
}

source "tart-cli" "c" {
  vm_name      = "c"
  vm_base_name = "b"
  communicator = "none"
  boot_command = ["curl http://{{ .HTTPIP }}:{{ .HTTPPort }}/a<enter>"]
  http_content = {
    "/a" = "b"
  }
}

build {
  sources = ["source.tart-cli.a", "source.tart-cli.b", "source.tart-cli.c"]
}
