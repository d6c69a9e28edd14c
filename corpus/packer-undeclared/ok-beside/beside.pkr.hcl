variable "memory" {
}

variables {
  names = {}
  list  = []
}

locals {
  name = "a"
}
