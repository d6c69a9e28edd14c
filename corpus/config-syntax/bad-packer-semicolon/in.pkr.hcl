source "tart-cli" "v" {
  vm_name = "x";
}
