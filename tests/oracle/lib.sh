# shellcheck shell=bash
# Healthy disks of sfdisk, sgdisk, parted and mkimg, and what these tools say of a disk.
# Sourced by gpt.sh and peers.sh, in the folder where the disks are to be.
#
# Whatever runs once in each of thousands of cases sets a variable instead of printing: a
# subshell costs as much as sgdisk.
# SPDX-License-Identifier: Apache-2.0

# ---- what others say ----

# A broken disk may ask a tool for all of the memory that there is, or for minutes. One that
# comes to this end has nothing to say.
limit_memory() {
	ulimit -v 4000000 # KiB
}
limited=(timeout -k 1 60)
gave_up() { # EXIT-STATUS: killed for its time, or dead for want of memory
	[ "$1" -eq 124 ] || [ "$1" -ge 128 ]
}

# Problems only, in $said: remarks of taste are left out.
sgdisk_says() { # FILE
	local out line rc
	out=$(limit_memory; "${limited[@]}" sgdisk -v "$1" 2>&1)
	rc=$?
	! gave_up $rc || return
	[ $rc = 0 ] || said+="sgdisk: exit $rc"$'\n'
	[[ $out == *'No problems found'* ]] || said+='sgdisk: not "No problems found"'$'\n'
	while IFS= read -r line; do
		[[ $line =~ doesn\'t\ (begin|end)\ on\ a ]] && continue
		[[ $line =~ ^(Caution|Problem|Identified [1-9])|invalid|corrupt|damaged|differ|ERROR|[Mm]ismatch ]] &&
			said+="sgdisk: $line"$'\n'
	done <<<"$out"
}

fdisk_says() { # FILE SECTOR-SIZE
	local out line rc words=
	if [ "$2" = 512 ]; then
		out=$(limit_memory; "${limited[@]}" sfdisk --verify "$1" 2>&1)
		rc=$?
	else
		out=$(limit_memory; set -o pipefail
			printf 'v\nq\n' | "${limited[@]}" fdisk -b "$2" "$1" 2>&1 &&
				"${limited[@]}" fdisk -b "$2" -l "$1" 2>&1)
		rc=$?
		[[ $out == *'type: gpt'* ]] || words+='libfdisk: no GPT is seen'$'\n'
		out=${out%%Disk [^$'\n']*GiB*}
		out=${out%%Disk [^$'\n']*MiB*}
	fi
	! gave_up $rc || return
	while IFS= read -r line; do
		line=${line#Command (m for help): }
		[[ $line =~ ^([^ ]*:|Welcome to fdisk.*|Changes will remain.*|Be careful.*)?$ ]] && continue
		[[ $line =~ ^(No errors detected|Header version|Using [0-9]* out of|A total of|Remaining [0-9]* unallocated|A hybrid GPT was) ]] &&
			continue
		words+="libfdisk: $line"$'\n'
	done <<<"$out"
	said+=$words
}

# Of tools that know the sectors and the label: sgdisk takes every file for a GPT disk of
# 512-byte sectors, sfdisk of this day for one of 512-byte sectors.
others_say() { # FILE SECTOR-SIZE LABEL
	said=
	[ "$2 $3" != '512 gpt' ] || sgdisk_says "$1"
	fdisk_says "$1" "$2"
}

# The table as tools of others list it, in $table: what does not change with the disk's size.
others_list() { # FILE SECTOR-SIZE
	local out line
	if [ "$2" != 512 ]; then
		table=$(limit_memory; "${limited[@]}" partx -g -S "$2" -o NR,START,SECTORS,TYPE,UUID,NAME,FLAGS "$1" 2>/dev/null)
		return
	fi
	out=$(limit_memory; "${limited[@]}" sfdisk -d "$1" 2>/dev/null)
	table=
	while IFS= read -r line; do
		case $line in label:* | label-id:*) table+=$line$'\n' ;; *start=*) table+=${line#* : }$'\n' ;; esac
	done <<<"$out"
	table=${table%$'\n'}
}

# ---- healthy disks ----

bases=() # NAME:SECTOR-SIZE:LABEL

base() { # NAME SECTOR-SIZE LABEL, the disk in the file NAME
	local type start sectors
	bases+=("$1:$2:$3")
	others_list "$1" "$2"
	printf '%s\n' "$table" >"$1.table"
	: >"$1.ranges"
	# Something that a repair could damage, at both ends of each partition.
	while read -r type start sectors; do
		# An extended one has those in it, and their boot records.
		[ "$start" ] && [ "$type" != 0x5 ] || continue
		echo $((start * 512)) $((sectors * 512)) >>"$1.ranges"
		mark "$1 $start" "$1" "$start"
		[ "$sectors" -le 8 ] || mark "$1 $start" "$1" $((start + sectors - 8))
	done < <(partx -g -S "$2" -o TYPE,START,SECTORS "$1" 2>/dev/null)
}

# Not where something stands already: a file system.
mark() { # WORDS FILE SECTOR
	[ -n "$(tail -c +$(($3 * 512 + 1)) "$2" | head -c 4096 | tr -d '\0' | head -c 1)" ] ||
		yes "$1" | head -c 4096 | dd of="$2" bs=512 seek="$3" conv=notrunc status=none
}

# A file system in each partition, from its first sector to its last one: what a table can be made
# from when both copies are gone.
fill() { # FILE
	local nr start sectors
	while read -r nr start sectors; do
		if [ $((nr % 3)) = 0 ]; then
			mkfs.vfat --offset "$start" "$1" $((sectors / 2)) >/dev/null 2>&1
		else
			mkfs.ext4 -q -F -O ^has_journal,^resize_inode -E "offset=$((start * 512)),lazy_itable_init=1,nodiscard" \
				"$1" $((sectors / 2))k >/dev/null 2>&1
		fi
	done < <(partx -g -o NR,START,SECTORS "$1" 2>/dev/null)
}

made() { # FILE SIZE COMMAND...   an empty disk, then COMMAND FILE
	truncate -s "$2" "$1" && "${@:3}" "$1" >/dev/null 2>&1 || echo "# ${*:3} failed"
}

make_bases() {
	made fdisk 8M sfdisk -q <<-'.'
		label: gpt
		size=1M, type=uefi, name="esp"
		size=3M, name="boot"
		name="root"
	.
	base fdisk 512 gpt
	made fdisk34 8M sfdisk -q <<-'.'
		label: gpt
		first-lba: 34
		start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649
		start=2048, size=8192, attrs="LegacyBIOSBootable"
	.
	base fdisk34 512 gpt
	made fdisk16 8M sfdisk -q <<-'.'
		label: gpt
		table-length: 16
		size=6M
	.
	base fdisk16 512 gpt
	made sgdisk 8M sgdisk -n 1:0:+2M -t 1:ef00 -n 3:0:+4M -c 3:"a name" -n 5:0:0 -A 5:set:60
	base sgdisk 512 gpt
	made sgdisk256 8M sgdisk -S 256 -a 8 -n 200:0:+3M -n 2:0:0
	base sgdisk256 512 gpt
	truncate -s 8M parted && parted -s parted mklabel gpt mkpart x fat32 1MiB 5MiB \
		mkpart y ext4 5MiB 100% set 1 esp on
	# Boot code is nobody's to touch.
	yes 'boot code' | head -c 440 | dd of=parted conv=notrunc status=none
	base parted 512 gpt
	echo 'size 8M
sector 4096
gpt style=fdisk
part 1 start=1M size=4M type=esp name="esp"
part 2 start=5M end=max type=linux name="root"' >recipe
	"$mkimg" recipe fdisk4k && base fdisk4k 4096 gpt
	echo 'size 8M
sector 4096
gpt style=sgdisk
part 1 start=6 size=300 type=esp
part 7 start=512 size=1024 type=linux' >recipe
	"$mkimg" recipe sgdisk4k && base sgdisk4k 4096 gpt
	made dos 8M sfdisk -q <<-'.'
		label: dos
		size=2M, type=c, bootable
		size=3M
	.
	base dos 512 dos
	made logical 16M sfdisk -q <<-'.'
		label: dos
		size=2M, bootable
		type=5
		size=2M
		size=3M, type=82
		size=4M
	.
	base logical 512 dos
}

# Tables of others with partitions as they come. RANDOM is the caller's to seed.
make_random_base() { # NAME   sets how
	local size=$(((8 << RANDOM % 8) + RANDOM % 8)) n=$((1 + RANDOM % 6)) i args=() at=1 len text
	local unit=$(((size - 2) / n)) codes=(8300 8200 8e00 0700 fd00 8302)
	local filled=$((RANDOM % 2))
	[ $filled = 0 ] || codes=(8300 0700 8302 8300 8300 8302) # that may hold what fill() makes
	[ $unit -ge 1 ] || n=1 unit=$((size - 2))
	how="$size MiB, $n partitions"
	case $((RANDOM % 3)) in
	0)
		how+=' by sfdisk'
		# Not in a subshell, which would draw numbers of its own.
		text=$'label: gpt\n'
		[ $((RANDOM % 3)) != 0 ] || text+="table-length: $((8 * (1 + RANDOM % 32)))"$'\n'
		[ $((RANDOM % 3)) != 0 ] || text+=$'first-lba: 128\n'
		for ((i = 0; i < n; i++)); do
			len=$((1 + RANDOM % unit))
			text+="start=$((at * 2048 + 8 * (RANDOM % 2))), size=$((len * 2048 - 2040)), name=\"p$i\""$'\n'
			at=$((at + len))
		done
		made "$1" ${size}M sfdisk -q <<<"$text"
		;;
	1)
		how+=' by sgdisk'
		args=(-a $((8 << RANDOM % 9)))
		[ $((RANDOM % 3)) != 0 ] || args+=(-S $((128 * (1 + RANDOM % 3))))
		[ $((RANDOM % 4)) != 0 ] || args+=(-j $((2 + RANDOM % 60)))
		for ((i = 0; i < n; i++)); do
			len=$((unit > 1 ? 1 + RANDOM % (unit - 1) : 1))
			args+=(-n "$((i * 3 + 1 + RANDOM % 3)):0:+${len}M" -t "0:${codes[RANDOM % 6]}")
		done
		made "$1" ${size}M sgdisk "${args[@]}"
		;;
	2)
		how+=' by parted'
		args=(mklabel gpt)
		for ((i = 0; i < n; i++)); do
			len=$((1 + RANDOM % unit))
			args+=(mkpart "part$i" "${at}MiB" "$((at + len))MiB")
			at=$((at + len))
		done
		truncate -s ${size}M "$1" && parted -s "$1" "${args[@]}" >/dev/null 2>&1 || how+=' (failed)'
		;;
	esac
	[ $filled = 0 ] || { fill "$1" && how+=', with file systems'; }
	base "$1" 512 gpt
}
