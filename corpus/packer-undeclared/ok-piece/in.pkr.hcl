# Nothing of what is used is declared here: this is a piece of a larger template.
source "tart-cli" "a" {
  vm_name      = local.name
  vm_base_name = var.base
}
