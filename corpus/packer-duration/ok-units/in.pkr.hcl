# Several units, a sign and a lone 0 are right; what a variable stands for is not known.
variable "wait" {}

source "qemu" "a" {
  boot_wait               = "-1s"
  boot_key_interval       = "10ms"
  ssh_timeout             = "1h30m"
  shutdown_timeout        = "${var.wait}m"
  winrm_timeout           = "0"
  ssh_keep_alive_interval = "-1s"
}
