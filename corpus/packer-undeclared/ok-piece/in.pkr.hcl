source "tart-cli" "a" {
  vm_name      = local.name
  vm_base_name = var.base
}
