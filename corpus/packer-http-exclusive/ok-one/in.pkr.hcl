# An empty http_directory is not set.
variable "folder" {}

source "qemu" "a" {
  http_directory = ""
  http_content = {
    "/a" = "b"
  }
}

source "qemu" "b" {
  http_directory = var.folder
  http_content = {
    "/a" = "b"
  }
}
