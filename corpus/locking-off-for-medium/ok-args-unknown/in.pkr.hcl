variable "iso" {}
source "qemu" "w10" {
  iso_url = "https://example.org/w10.iso"
  qemuargs = [
    ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2"],
    ["-drive", "file=${var.iso},media=cdrom"],
    ["-drive", "file=/mnt/nas/w10.iso,media=cdrom,file.locking=off"],
  ]
}
