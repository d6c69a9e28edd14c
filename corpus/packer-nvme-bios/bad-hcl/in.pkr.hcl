source "virtualbox-iso" "x" {
  hard_drive_interface = "pcie"
  vboxmanage           = [["modifyvm", "{{.Name}}", "--rtcuseutc", "on"]]
}
