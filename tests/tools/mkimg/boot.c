/* What a machine starts from a disk: FAT volumes with files in them, EFI programs and a BIOS
 * boot sector. All of them run: they write their text to the first serial port, and then to
 * port F4, which ends QEMU where it has an isa-debug-exit there.
 * Microsoft's FAT specification 1.03; PE/COFF; GRUB's boot.S for the sector's places.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "base/num.h"
#include "base/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum {
	FAT_ROOT_ENTRIES = 512,
	FAT_ENTRY = 32,
	FAT_ATTR_DIR = 0x10,
	FAT_16 = 4085, /* clusters from which on it is one */
	FAT_16_MAX = 65524,
	CLUSTER = 4096,

	PE_ALIGN = 512,
	PE_CERTIFICATES = 512,
	TEXT_MAX = 300,
	LONG_MAX_1 = 13, /* characters in one entry for a long name */
	GRUB_CORE = 0x5c,
	CORE_TEXT = 34, /* where the core's text begins */
};

/* ---- programs ---- */

/* x86-64: lea rsi,[text]; until a zero: wait for bit 5 of 3FD, out 3F8; out F4; hlt */
static const uint8_t efi_code[] = {
	0x48, 0x8d, 0x35, 0x21, 0x00, 0x00, 0x00, 0xac, 0x84, 0xc0,
	0x74, 0x14, 0x88, 0xc4, 0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8,
	0x20, 0x74, 0xf7, 0x88, 0xe0, 0x66, 0xba, 0xf8, 0x03, 0xee,
	0xeb, 0xe7, 0xb0, 0x10, 0xe6, 0xf4, 0xfa, 0xf4, 0xeb, 0xfc,
};

/* 16 bits, at 0:7C65: reads the sector whose number is at 5C to 0:8000 (INT 13, AH=42, with
 * the packet at 54), and jumps there. */
static const uint8_t sector_code[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00,
	0x7c, 0xfb, 0xbe, 0x54, 0x7c, 0xb4, 0x42, 0xcd, 0x13, 0x72, 0x05,
	0xea, 0x00, 0x80, 0x00, 0x00, 0xfa, 0xf4, 0xeb, 0xfc,
};

/* 16 bits, at 0:8000: mov si,text; and on as efi_code */
static const uint8_t core_code[CORE_TEXT] = {
	0xbe, 0x22, 0x80, 0xac, 0x84, 0xc0, 0x74, 0x12, 0x88, 0xc4, 0xba, 0xfd,
	0x03, 0xec, 0xa8, 0x20, 0x74, 0xf8, 0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee,
	0xeb, 0xe9, 0xb0, 0x10, 0xe6, 0xf4, 0xfa, 0xf4, 0xeb, 0xfc,
};

static const char *text_of(const struct recipe *r, const char *otherwise)
{
	const char *text = option(r, "text");

	text = text ? text : otherwise;
	if (strlen(text) > TEXT_MAX)
		die(r, "a text has at most %d bytes", TEXT_MAX);
	return text;
}

/* A boot sector as GRUB's, with what follows it in one sector: bios CORE-SECTOR [text=] */
void do_bios(struct recipe *r)
{
	static const uint8_t packet[] = { 16, 0, 1, 0, 0x00, 0x80, 0, 0 };
	static const char words[] = "GRUB \0Geom\0Hard Disk\0Read\0 Error";
	uint64_t core = number(r, need(r, 1, "a sector"));
	uint8_t b[440] = { 0xeb, 0x63, 0 }, c[512] = { 0 };
	const char *text = text_of(r, "vmend: BIOS\n");

	only_options(r, 2, "text");
	memcpy(b + 0x54, packet, sizeof(packet));
	put_le64(b + GRUB_CORE, core);
	memcpy(b + 0x65, sector_code, sizeof(sector_code));
	memcpy(b + 0x180, words, sizeof(words));
	put(r, 0, b, sizeof(b));
	memcpy(c, core_code, sizeof(core_code));
	memcpy(c + CORE_TEXT, text, strlen(text));
	put(r, core * 512, c, sizeof(c));
}

/* ---- PE files ---- */

struct arch {
	const char *name;
	uint16_t machine;
};

static uint16_t machine_of(const struct recipe *r, const char *name)
{
	static const struct arch arches[] = {
		{ "x64", 0x8664 }, { "ia32", 0x014c },    { "aa64", 0xaa64 },
		{ "arm", 0x01c2 }, { "riscv64", 0x5064 }, { "loongarch64", 0x6264 },
	};

	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++) {
		if (strcmp(arches[i].name, name) == 0)
			return arches[i].machine;
	}
	die(r, "'%s' is no kind of machine", name);
}

/* A program of one section, and what looks like certificates behind it. */
static size_t make_efi(const struct recipe *r, uint8_t *p)
{
	size_t size = (size_t)2 * PE_ALIGN;
	const char *text = text_of(r, "vmend: UEFI\n");
	uint8_t *opt = p + 64 + 24, *section = opt + 240;

	memcpy(p, "MZ", 2);
	put_le32(p + 60, 64);
	memcpy(p + 64, "PE\0\0", 4);
	put_le16(p + 68, machine_of(r, option(r, "efi")));
	put_le16(p + 70, 1);
	put_le16(p + 84, 240);
	put_le16(p + 86, 0x0206);
	put_le16(opt, 0x20b);
	put_le32(opt + 4, PE_ALIGN);
	put_le32(opt + 16, 0x1000);
	put_le32(opt + 20, 0x1000);
	put_le32(opt + 32, 0x1000);
	put_le32(opt + 36, PE_ALIGN);
	put_le32(opt + 56, 0x2000);
	put_le32(opt + 60, PE_ALIGN);
	put_le16(opt + 68, 10);
	put_le32(opt + 108, 16);
	memcpy(section, ".text", 5);
	put_le32(section + 8, PE_ALIGN);
	put_le32(section + 12, 0x1000);
	put_le32(section + 16, PE_ALIGN);
	put_le32(section + 20, PE_ALIGN);
	put_le32(section + 36, 0x60000020);
	memcpy(p + PE_ALIGN, efi_code, sizeof(efi_code));
	memcpy(p + PE_ALIGN + sizeof(efi_code), text, strlen(text));
	if (!option(r, "signed"))
		return size;
	put_le32(opt + 112 + 32, (uint32_t)size);
	put_le32(opt + 112 + 36, PE_CERTIFICATES);
	put_le32(p + size, PE_CERTIFICATES);
	put_le16(p + size + 4, 0x0200);
	put_le16(p + size + 6, 2);
	return size + PE_CERTIFICATES;
}

/* ---- FAT ---- */

static uint64_t cluster_off(const struct fat_plan *f, uint32_t cluster)
{
	return f->data + (uint64_t)(cluster - 2) * CLUSTER;
}

static void set_entry(const struct recipe *r, uint32_t cluster, uint32_t next)
{
	const struct fat_plan *f = &r->fat;
	uint8_t b[2];

	for (unsigned copy = 0; copy < 2; copy++) {
		uint64_t table = f->table + copy * f->table_size;
		uint64_t off = table + (f->is16 ? cluster * 2 : cluster + cluster / 2);
		uint16_t v = (uint16_t)(next & (f->is16 ? 0xffff : 0x0fff));

		get(r, off, b, 2);
		if (!f->is16 && cluster % 2)
			v = (uint16_t)(v << 4 | (b[0] & 0xf));
		else if (!f->is16)
			v = (uint16_t)(v | (b[1] & 0xf0) << 8);
		put_le16(b, v);
		put(r, off, b, 2);
	}
}

/* fat OFFSET SIZE: an empty FAT12 or FAT16, by its size. Sectors are those of the disk. */
void do_fat(struct recipe *r)
{
	struct fat_plan *f = &r->fat;
	uint64_t off = offset(r, 1), total;
	uint64_t size = number(r, need(r, 2, "a size")), clusters = size / CLUSTER;
	uint64_t table = div_up((clusters + 2) * 2, r->ss);
	uint8_t b[512] = { 0xeb, 0x3c, 0x90 };

	total = size / r->ss;
	if (clusters < 16 || clusters > FAT_16_MAX)
		die(r, "a FAT has 64K to 255M here");
	memcpy(b + 3, "MKIMG   ", 8);
	put_le16(b + 11, (uint16_t)r->ss);
	b[13] = (uint8_t)(CLUSTER / r->ss);
	put_le16(b + 14, 1);
	b[16] = 2;
	put_le16(b + 17, FAT_ROOT_ENTRIES);
	put_le16(b + 19, (uint16_t)(total < 65536 ? total : 0));
	b[21] = 0xf8;
	put_le16(b + 22, (uint16_t)table);
	put_le16(b + 24, 63);
	put_le16(b + 26, 255);
	put_le32(b + 28, (uint32_t)(off / r->ss));
	put_le32(b + 32, (uint32_t)(total < 65536 ? 0 : total));
	b[36] = 0x80;
	b[38] = 0x29;
	put_le32(b + 39, 0x564d454e);
	memcpy(b + 43, "NO NAME    ", 11);
	put_le16(b + 510, 0xaa55);
	put(r, off, b, sizeof(b));
	*f = (struct fat_plan){ .table = off + r->ss, .table_size = table * r->ss };
	f->root = f->table + 2 * f->table_size;
	f->data = f->root + FAT_ROOT_ENTRIES * FAT_ENTRY;
	clusters = (size - (f->data - off)) / CLUSTER;
	f->is16 = clusters >= FAT_16;
	f->next = 2;
	f->end = (uint32_t)clusters + 2;
	memcpy(b + 54, f->is16 ? "FAT16   " : "FAT12   ", 8);
	put(r, off, b, sizeof(b));
	set_entry(r, 0, 0xfffff8);
	set_entry(r, 1, 0xffffff);
}

/* n bytes in clusters of their own: the first of them. */
static uint32_t store(struct recipe *r, const uint8_t *p, size_t n)
{
	struct fat_plan *f = &r->fat;
	uint32_t first = f->next;

	for (size_t i = 0; i < n; i += CLUSTER) {
		size_t len = n - i < CLUSTER ? n - i : CLUSTER;

		if (f->next == f->end)
			die(r, "the FAT is full");
		put(r, cluster_off(f, f->next), p + i, len);
		set_entry(r, f->next, i + CLUSTER < n ? f->next + 1 : 0xffffff);
		f->next++;
	}
	return first;
}

/* A folder's name that takes an entry of its own: MICROSOFT. */
static bool is_long(const char *s, size_t n)
{
	return n > 8 && n <= LONG_MAX_1 && !memchr(s, '.', n);
}

/* "BOOTX64.EFI" as it stands in a folder. */
static void short_name(const struct recipe *r, const char *s, size_t n, uint8_t out[11])
{
	const char *dot = memchr(s, '.', n);
	size_t base = dot ? (size_t)(dot - s) : n, ext = dot ? n - base - 1 : 0;

	memset(out, ' ', 11);
	if (is_long(s, n)) {
		memcpy(out, s, 6);
		memcpy(out + 6, "~1", 2);
		return;
	}
	if (base == 0 || base > 8 || ext > 3)
		die(r, "'%.*s' is no name of 8 and 3 characters", (int)n, s);
	memcpy(out, s, base);
	if (dot)
		memcpy(out + 8, dot + 1, ext);
}

/* The entry of that name in the folder at off, or a free one; *is_new says which. */
static uint64_t find_entry(const struct recipe *r, uint64_t off, size_t bytes,
			   const uint8_t name[11], bool *is_new)
{
	uint8_t e[FAT_ENTRY];

	for (size_t i = 0; i < bytes; i += FAT_ENTRY) {
		get(r, off + i, e, sizeof(e));
		*is_new = e[0] == 0;
		if (*is_new || memcmp(e, name, 11) == 0)
			return off + i;
	}
	die(r, "a folder is full");
}

static void write_entry(const struct recipe *r, uint64_t off, const uint8_t name[11],
			uint8_t attr, uint32_t cluster, uint32_t size)
{
	uint8_t e[FAT_ENTRY] = { 0 };

	memcpy(e, name, 11);
	e[11] = attr;
	put_le16(e + 24, 0x5821); /* 2024-01-01 */
	put_le16(e + 26, (uint16_t)cluster);
	put_le32(e + 28, size);
	put(r, off, e, sizeof(e));
}

/* The entry before that of the alias. */
static void write_long_name(const struct recipe *r, uint64_t off, const char *s, size_t n,
			    const uint8_t alias[11])
{
	static const uint8_t at[LONG_MAX_1] = { 1,  3,  5,  7,  9,  14, 16,
						18, 20, 22, 24, 28, 30 };
	uint8_t e[FAT_ENTRY] = { 0x41, [11] = 0x0f };

	for (unsigned i = 0; i < 11; i++)
		e[13] = (uint8_t)((e[13] >> 1 | e[13] << 7) + alias[i]);
	for (size_t i = 0; i < LONG_MAX_1; i++)
		put_le16(e + at[i], i < n ? (uint8_t)s[i] : i == n ? 0 : 0xffff);
	put(r, off, e, sizeof(e));
}

/* The folder of that name in another, made when it is not there: its cluster. */
static uint32_t open_folder(struct recipe *r, uint64_t in, size_t bytes, uint32_t up,
			    const char *s, size_t n)
{
	uint8_t name[11];
	uint8_t e[FAT_ENTRY];
	uint8_t *zero;
	bool is_new;
	uint32_t cluster;
	uint64_t at;

	short_name(r, s, n, name);
	at = find_entry(r, in, bytes, name, &is_new);
	if (is_new && is_long(s, n)) {
		write_long_name(r, at, s, n, name);
		at += FAT_ENTRY;
	}
	if (!is_new) {
		get(r, at, e, sizeof(e));
		return view_le16((struct view){ e, sizeof(e) }, 26);
	}
	zero = zeros(r, CLUSTER);
	cluster = store(r, zero, CLUSTER);
	free(zero);
	write_entry(r, at, name, FAT_ATTR_DIR, cluster, 0);
	at = cluster_off(&r->fat, cluster);
	write_entry(r, at, (const uint8_t *)".          ", FAT_ATTR_DIR, cluster, 0);
	write_entry(r, at + FAT_ENTRY, (const uint8_t *)"..         ", FAT_ATTR_DIR, up,
		    0);
	return cluster;
}

/* file /EFI/BOOT/BOOTX64.EFI efi=x64 [signed=1] [text=..] | text=..: in the last fat. */
void do_file(struct recipe *r)
{
	const char *path = need(r, 1, "a path"), *end;
	uint8_t bytes[3 * PE_ALIGN] = { 0 }, name[11];
	uint64_t folder = r->fat.root;
	size_t room = FAT_ROOT_ENTRIES * FAT_ENTRY, n;
	uint32_t cluster = 0;
	bool is_new;

	only_options(r, 2, "efi signed text");
	if (!r->fat.data)
		die(r, "file needs a fat before it");
	for (path++; (end = strchr(path, '/')); path = end + 1) {
		cluster =
			open_folder(r, folder, room, cluster, path, (size_t)(end - path));
		folder = cluster_off(&r->fat, cluster);
		room = CLUSTER;
	}
	short_name(r, path, strlen(path), name);
	if (option(r, "efi")) {
		n = make_efi(r, bytes);
	} else {
		n = strlen(text_of(r, ""));
		memcpy(bytes, text_of(r, ""), n);
	}
	folder = find_entry(r, folder, room, name, &is_new);
	if (!is_new)
		die(r, "'%s' is there already", r->word[1]);
	write_entry(r, folder, name, 0x20, n ? store(r, bytes, n) : 0, (uint32_t)n);
}
