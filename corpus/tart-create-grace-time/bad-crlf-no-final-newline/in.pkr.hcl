source "tart-cli" "m" {
	from_ipsw="latest" // première
	vm_name="m"
	ssh_username="admin"
}