build {
  source "source.tart-cli.mac" {
    create_grace_time = "30s"
  }
}
