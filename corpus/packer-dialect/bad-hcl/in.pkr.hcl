variable "name" {
  default = "a"
}

source "qemu" "a" {
  vm_name      = "x-{{user `name`}}"
  floppy_files = ["a", "{{ user `name` }}/b"]
}
