# Everything that HCL has, for tests/oracle/hcl.sh.
packer {
  required_version = ">= 1.7.0"
}

/* of several
   lines */
variable "sizes" {
  type    = map(list(number))
  default = { small = [1, 2.5e1], "large" : [-3, 4,] } // trailing
}

locals {
  heredoc  = <<EOT
  a ${var.sizes["small"][0]} $${b} "c" \n
EOT
  indented = <<-EOT
    x
      %{if true~}y%{endif}
  EOT
  tern     = var.sizes.small[0] == 1 && !false ? "a\t\"\u00e9" : join("-", ["b", "${upper("c")}"])
  splat    = [for s in values(var.sizes) : s[*] if length(s) > 0]
  byname   = { for k, v in var.sizes : k => v... }
  calc     = (1 + 2) * -3 % 4 >= 5 || 6 != 7
  many = concat(
    ["a"],
    [local.tern
    ],
  )
  empty = {}
}

source "null" "x" {
  communicator = "none"
}

build {
  name = "one"
  source "source.null.x" { name = "y" }
  provisioner "shell-local" {
    inline = ["echo ${build.name}", "echo '}'"] # comment
  }
}
