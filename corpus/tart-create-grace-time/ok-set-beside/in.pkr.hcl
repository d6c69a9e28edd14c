source "tart-cli" "mac" {
  from_ipsw    = "latest"
  vm_name      = "tahoe-vanilla"
  ssh_username = "admin"
}
