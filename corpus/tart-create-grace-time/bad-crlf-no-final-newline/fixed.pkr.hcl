source "tart-cli" "m" {
	from_ipsw="latest" // première
	create_grace_time = "30s"
	vm_name="m"
	ssh_username="admin"
}