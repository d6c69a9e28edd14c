# Each of these names is one that Packer fills in there.
variable "x" {}

source "qemu" "a" {
  boot_command = ["http://{{ .HTTPIP }}:{{.HTTPPort}}/{{ .Name }}", "{{ template_dir }}", var.x, "{{ if .X }}{{ end }}"]
  qemuargs = [
    ["-serial", "file:{{ .OutputDir }}/{{ .Name }}.log"],
    ["-netdev", "user,id=user.0,hostfwd=tcp::{{ .SSHHostPort }}-:22"],
  ]
  shutdown_command = "{{ .Vars }}"
}
