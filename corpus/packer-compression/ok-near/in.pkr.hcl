# Only one of them is on.
source "qemu" "a" {
  disk_compression = true
  format           = "qcow2"
}

source "qemu" "b" {
  disk_compression = false
  skip_compaction  = true
  disk_image       = true
  use_backing_file = true
}
