source "qemu" "a" {
  http_directory = "http"
  http_content = {
    "/a" = "b"
  }
}
