variable "a" {
  default = ""
}

variable "ipsw" {
  default = "latest"
}
