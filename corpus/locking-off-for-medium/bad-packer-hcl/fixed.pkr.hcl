source "qemu" "w10" {
  iso_url      = "https://example.org/w10.iso"
  iso_checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  qemuargs = [
    ["-drive", "file={{ .OutputDir }}/{{ .Name }},if=virtio,cache=writeback,format=qcow2,index=1"],
    ["-drive", "file=/mnt/nas/w10.iso,media=cdrom,index=2,file.locking=off"], # the installer
    ["-drive", "file=/mnt/nas/virtio \"win\".iso,media=cdrom,index=3,file.locking=off"],
  ]
}
