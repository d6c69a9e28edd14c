variable "version" {
  type = string
}

locals {
  ipsw = var.version == "latest" ? "latest" : "https://example.org/${var.version}.ipsw"
}
