# Without cache_mode Proxmox VE takes none.
source "proxmox-iso" "a" {
  disks {
    asyncio = "native"
  }
  disks {
    cache_mode = "directsync"
    asyncio    = "native"
  }
  disks {
    cache_mode = "writeback"
    asyncio    = "io_uring"
  }
}
