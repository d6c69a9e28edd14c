qemu-system-x86_64 -drive file=/mnt/nas/a.iso,media=cdrom,file.locking=auto -drive "file=/mnt/nas/b,,c.img,readonly=on",format='raw'
