source "proxmox-iso" "a" {
  disks {
    cache_mode = "writeback"
    asyncio    = "native"
  }
}
