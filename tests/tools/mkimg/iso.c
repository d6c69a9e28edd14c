/* A small ISO 9660 image, always of the same tree:
 *
 *   iso "NAME" [joliet=1] [rock-ridge=1] [udf=1] [bios=1|windows] [efi=SIZE] [space=BLOCKS]
 *       [root="user-data meta-data"]
 *
 *     /BOOT/BIOS.BIN      bios: a boot image of 4000 bytes that is called isolinux, with its
 *                         boot information table; or one with the words of Windows' own
 *     /BOOT/BOOT.CAT      bios, efi: the catalog
 *     /BOOT/EFI.IMG       efi: room of so many bytes, for `fat iso.efi SIZE` and its files
 *     /DOCS/MORE/DEEP.TXT
 *     /DOCS/README.TXT
 *     /USER_DAT.;1 ...    root: so many empty files, with these names for Joliet and Rock Ridge
 *
 *   implant               as implantisomd5
 *
 * Places: iso.NAME of pvd boot-record svd end path-l path-m root boot docs more catalog bios
 * efi readme deep, with joliet- before path-l path-m root boot docs more; and, for the record
 * that leads there, record- before boot docs more catalog bios efi readme deep.
 * ECMA-119; Joliet; SUSP 1.12; El Torito 1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "base/md5.h"
#include "base/num.h"
#include "base/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum {
	BLOCK = 2048,
	BIOS_SIZE = 4000,
	DIRS = 4,
	RECORD = 33,
	APP_USE = 883,
	SKIP = 15,
	STEP = 32 << 10,
	FRAGMENTS = 20,
	ROOT_MAX = 8, /* files */
	NAME_MAX_8 = 8,
};

/* The tree: directories by number, then what is in them. */
static const struct {
	const char *name, *place;
	unsigned parent;
} dirs[DIRS] = { { "", "root", 0 },
		 { "BOOT", "boot", 0 },
		 { "DOCS", "docs", 0 },
		 { "MORE", "more", 2 } };

struct file {
	const char *name, *place;
	unsigned dir;
	uint32_t lba, size;
	bool there;
};

enum { BIOS, CATALOG, EFI, README, DEEP, FILES };

struct build {
	struct recipe *r;
	uint32_t next; /* the first block that is free */
	struct file file[FILES];
	uint32_t dir[DIRS];
	bool rock_ridge;
	char root[ROOT_MAX][32]; /* names of files in the root */
	unsigned nroot;
};

static void note(struct recipe *r, const char *prefix, const char *name, uint64_t off)
{
	struct iso_places *p = &r->iso;

	if (p->n == ISO_PLACES)
		die(r, "too many places");
	snprintf(p->v[p->n].name, sizeof(p->v[p->n].name), "%s%s", prefix, name);
	p->v[p->n++].off = off;
}

uint64_t iso_place_of(const struct recipe *r, const char **s)
{
	size_t best = 0, i;
	uint64_t off = 0;

	for (i = 0; i < r->iso.n; i++) {
		const char *name = r->iso.v[i].name;
		size_t n = strlen(name);

		if (**s == '.' && strncmp(*s + 1, name, n) == 0 && n > best) {
			best = n;
			off = r->iso.v[i].off;
		}
	}
	if (!best)
		die(r, "no place of an ISO is called '%s'", *s);
	*s += 1 + best;
	return off;
}

/* ---- numbers ---- */

static void both16(uint8_t *p, uint16_t v)
{
	put_le16(p, v);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void both32(uint8_t *p, uint32_t v)
{
	put_le32(p, v);
	put_be32(p + 4, v);
}

/* ---- directories ---- */

/* A name as it is written: of Joliet in 16 bits. */
static uint8_t name_bytes(uint8_t *out, const char *name, bool wide)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (wide)
			out[2 * i] = 0;
		out[wide ? 2 * i + 1 : i] = (uint8_t)name[i];
	}
	return (uint8_t)(wide ? 2 * n : n);
}

static size_t put_record(uint8_t *p, uint32_t lba, uint32_t size, bool dir,
			 const uint8_t *name, uint8_t n)
{
	size_t len = (size_t)RECORD + n + (n % 2 == 0);

	both32(p + 2, lba);
	both32(p + 10, size);
	p[18] = 126; /* 2026 */
	p[19] = p[20] = 1;
	p[25] = dir ? 2 : 0;
	both16(p + 28, 1);
	p[32] = n;
	memcpy(p + RECORD, name, n);
	p[0] = (uint8_t)len;
	return len;
}

/* "user-data" as "USER_DAT.;1". */
static void plain_name(const char *name, char out[24])
{
	const char *dot = strrchr(name, '.');
	size_t n = 0;

	for (const char *p = name; *p && p != dot && n < NAME_MAX_8; p++)
		out[n++] = *p >= 'a' && *p <= 'z' ? *p - 32
			   : (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ? *p
										  : '_';
	out[n++] = '.';
	for (unsigned i = 1; dot && i < 4 && dot[i]; i++)
		out[n++] = dot[i] >= 'a' && dot[i] <= 'z' ? dot[i] - 32 : dot[i];
	memcpy(out + n, ";1", 3);
}

/* RRIP 1.12, 4.1.4. */
static size_t put_rock_ridge_name(uint8_t *record, size_t len, const char *name)
{
	size_t n = strlen(name);
	uint8_t nm[5] = { 'N', 'M', (uint8_t)(5 + n), 1, 0 };

	memcpy(record + len, nm, sizeof(nm));
	memcpy(record + len + sizeof(nm), name, n);
	len += sizeof(nm) + n;
	len += len % 2;
	record[0] = (uint8_t)len;
	return len;
}

static size_t write_root(struct build *b, uint8_t *s, bool wide)
{
	uint8_t name[64];
	char plain[24];
	size_t at = 0, len;

	for (unsigned i = 0; i < b->nroot; i++) {
		plain_name(b->root[i], plain);
		len = put_record(s + at, 0, 0, false, name,
				 name_bytes(name, wide ? b->root[i] : plain, wide));
		if (b->rock_ridge && !wide)
			len = put_rock_ridge_name(s + at, len, b->root[i]);
		at += len;
	}
	return at;
}

static void write_dir(struct build *b, unsigned d, bool wide)
{
	uint8_t s[BLOCK] = { 0 }, name[64];
	static const uint8_t susp[] = { 'S', 'P', 7,   1, 0xbe, 0xef,
					0,   'R', 'R', 5, 1,    0x81 };
	size_t at = put_record(s, b->dir[d], BLOCK, true, (const uint8_t *)"", 1);
	uint64_t off = (uint64_t)b->dir[d] * BLOCK;

	if (d == 0 && b->rock_ridge && !wide) {
		memcpy(s + at, susp, sizeof(susp));
		at += sizeof(susp);
		s[0] = (uint8_t)at;
	}
	at += put_record(s + at, b->dir[dirs[d].parent], BLOCK, true,
			 (const uint8_t *)"\1", 1);
	for (unsigned i = 1; i < DIRS; i++) {
		if (dirs[i].parent != d)
			continue;
		if (!wide)
			note(b->r, "record-", dirs[i].place, off + at);
		at += put_record(s + at, b->dir[i], BLOCK, true, name,
				 name_bytes(name, dirs[i].name, wide));
	}
	for (unsigned i = 0; i < FILES; i++) {
		const struct file *f = &b->file[i];

		if (!f->there || f->dir != d)
			continue;
		if (!wide)
			note(b->r, "record-", f->place, off + at);
		at += put_record(s + at, f->lba, f->size, false, name,
				 name_bytes(name, f->name, wide));
	}
	if (d == 0)
		write_root(b, s + at, wide);
	put(b->r, off, s, sizeof(s));
	note(b->r, wide ? "joliet-" : "", dirs[d].place, off);
}

/* ---- descriptors ---- */

static uint32_t write_paths(struct build *b, uint32_t lba, bool wide, bool big)
{
	uint8_t s[BLOCK] = { 0 };
	uint32_t at = 0;

	for (unsigned i = 0; i < DIRS; i++) {
		uint8_t n = name_bytes(s + at + 8, dirs[i].name, wide);
		uint16_t parent = (uint16_t)(dirs[i].parent + 1);

		s[at] = n = i == 0 ? 1 : n;
		if (big) {
			put_be32(s + at + 2, b->dir[i]);
			s[at + 7] = (uint8_t)parent;
		} else {
			put_le32(s + at + 2, b->dir[i]);
			put_le16(s + at + 6, parent);
		}
		at += 8u + n + n % 2u;
	}
	put(b->r, (uint64_t)lba * BLOCK, s, sizeof(s));
	note(b->r, wide ? "joliet-" : "", big ? "path-m" : "path-l",
	     (uint64_t)lba * BLOCK);
	return at;
}

static void write_volume(struct build *b, uint32_t sector, const char *name, bool wide,
			 uint32_t space)
{
	uint8_t s[BLOCK] = { 0 };
	uint32_t paths = b->next;

	b->next += 2;
	for (unsigned i = 0; i < DIRS; i++)
		b->dir[i] = b->next++;
	s[0] = wide ? 2 : 1;
	memcpy(s + 1, "CD001\1", 6);
	memset(s + 8, wide ? 0 : ' ', 64);
	name_bytes(s + 40, name, wide);
	both32(s + 80, space);
	if (wide)
		memcpy(s + 88, "%/E", 3);
	both16(s + 120, 1);
	both16(s + 124, 1);
	both16(s + 128, BLOCK);
	both32(s + 132, write_paths(b, paths, wide, false));
	write_paths(b, paths + 1, wide, true);
	put_le32(s + 140, paths);
	put_be32(s + 148, paths + 1);
	put_record(s + 156, b->dir[0], BLOCK, true, (const uint8_t *)"", 1);
	s[881] = 1;
	memset(s + APP_USE, ' ', 512);
	put(b->r, (uint64_t)sector * BLOCK, s, sizeof(s));
	note(b->r, "", wide ? "svd" : "pvd", (uint64_t)sector * BLOCK);
	for (unsigned i = 0; i < DIRS; i++)
		write_dir(b, i, wide);
}

static void write_end(struct build *b, uint32_t sector)
{
	put(b->r, (uint64_t)sector * BLOCK, "\377CD001\1", 7);
	note(b->r, "", "end", (uint64_t)sector * BLOCK);
}

static void write_udf(struct build *b, uint32_t sector)
{
	static const char *const ids[] = { "BEA01", "NSR02", "TEA01" };
	uint8_t tag[16] = { 2, 0, 2 };

	for (unsigned i = 0; i < 3; i++)
		put(b->r, (uint64_t)(sector + i) * BLOCK + 1, ids[i], 5);
	put_le32(tag + 12, 256);
	put(b->r, 256 * BLOCK, tag, sizeof(tag));
}

/* ---- booting ---- */

static void put_entry(uint8_t *p, uint16_t count, uint32_t lba)
{
	p[0] = 0x88;
	put_le16(p + 6, count);
	put_le32(p + 8, lba);
}

static void write_catalog(struct build *b, uint32_t record)
{
	uint8_t s[BLOCK] = { 1 };
	const struct file *bios = &b->file[BIOS], *efi = &b->file[EFI];
	uint16_t sum = 0, sectors = (uint16_t)(efi->size / 512);
	size_t at = 32;

	s[1] = bios->there ? 0 : 0xef;
	put_le16(s + 30, 0xaa55);
	for (size_t i = 0; i < 32; i += 2)
		sum = (uint16_t)(sum + (s[i] | s[i + 1] << 8));
	put_le16(s + 28, (uint16_t)-sum);
	if (bios->there) {
		put_entry(s + at, 4, bios->lba);
		at += 32;
	}
	if (efi->there && bios->there) {
		s[at] = 0x91;
		s[at + 1] = 0xef;
		put_le16(s + at + 2, 1);
		at += 32;
	}
	if (efi->there)
		put_entry(s + at, sectors, efi->lba);
	put(b->r, (uint64_t)b->file[CATALOG].lba * BLOCK, s, sizeof(s));
	memset(s, 0, sizeof(s));
	memcpy(s + 1, "CD001\1EL TORITO SPECIFICATION", 29);
	put_le32(s + 71, b->file[CATALOG].lba);
	put(b->r, (uint64_t)record * BLOCK, s, sizeof(s));
	note(b->r, "", "boot-record", (uint64_t)record * BLOCK);
}

static void write_bios(struct build *b)
{
	const struct file *f = &b->file[BIOS];
	uint8_t *p = random_bytes(b->r, BIOS_SIZE, 7, false);
	uint32_t sum = 0;

	memset(p + 8, 0, 56);
	if (strcmp(option(b->r, "bios"), "windows") == 0) {
		static const char words[] = "CDBOOT: Couldn't find BOOTMGR";

		memcpy(p + 64, words, sizeof(words));
		put(b->r, (uint64_t)f->lba * BLOCK, p, BIOS_SIZE);
		free(p);
		return;
	}
	memcpy(p + 64, "ISOLINUX 6", 10);
	for (unsigned i = 64; i < BIOS_SIZE; i += 4)
		sum += view_le32((struct view){ p, BIOS_SIZE }, i);
	put_le32(p + 8, 16);
	put_le32(p + 12, f->lba);
	put_le32(p + 16, BIOS_SIZE);
	put_le32(p + 20, sum);
	put(b->r, (uint64_t)f->lba * BLOCK, p, BIOS_SIZE);
	free(p);
}

/* ---- statements ---- */

static void place_files(struct build *b, uint32_t efi)
{
	static const struct file all[FILES] = {
		{ "BIOS.BIN;1", "bios", 1, 0, BIOS_SIZE, false },
		{ "BOOT.CAT;1", "catalog", 1, 0, BLOCK, false },
		{ "EFI.IMG;1", "efi", 1, 0, 0, false },
		{ "README.TXT;1", "readme", 2, 0, 3000, true },
		{ "DEEP.TXT;1", "deep", 3, 0, 100, true },
	};

	const char *bios = option(b->r, "bios");

	memcpy(b->file, all, sizeof(all));
	b->file[EFI].size = efi;
	b->file[EFI].there = efi != 0;
	b->file[BIOS].there =
		bios && (strcmp(bios, "windows") == 0 || option_number(b->r, "bios", 0));
	b->file[CATALOG].there = b->file[BIOS].there || efi;
	for (unsigned i = 0; i < FILES; i++) {
		struct file *f = &b->file[i];

		if (!f->there)
			continue;
		f->lba = b->next;
		b->next += (uint32_t)div_up(f->size, BLOCK);
		note(b->r, "", f->place, (uint64_t)f->lba * BLOCK);
	}
}

static void read_root(struct build *b)
{
	const char *p = option(b->r, "root");

	while (p && *p) {
		size_t n = strcspn(p, " ");

		if (b->nroot == ROOT_MAX || n >= sizeof(b->root[0]))
			die(b->r, "too many files in the root, or too long a name");
		memcpy(b->root[b->nroot++], p, n);
		p += n + strspn(p + n, " ");
	}
}

void do_iso(struct recipe *r)
{
	struct build b = { .r = r, .rock_ridge = option_number(r, "rock-ridge", 0) };
	bool joliet = option_number(r, "joliet", 0), udf = option_number(r, "udf", 0);
	const char *name = need(r, 1, "a name");
	uint32_t space, sector = 17;

	only_options(r, 2, "joliet rock-ridge udf bios efi space root");
	read_root(&b);
	space = (uint32_t)option_number(r, "space", r->size / BLOCK);
	/* Descriptors, then (each with its two path tables) the directories. */
	b.next = 32 + (DIRS + 2) * (1u + joliet);
	place_files(&b, (uint32_t)option_number(r, "efi", 0));
	if (b.next * (uint64_t)BLOCK > r->size)
		die(r, "this ISO needs %u bytes", b.next * BLOCK);
	b.next = 32;
	if (b.file[CATALOG].there)
		write_catalog(&b, sector++);
	if (b.file[BIOS].there)
		write_bios(&b);
	write_volume(&b, 16, name, false, space);
	if (joliet)
		write_volume(&b, sector++, name, true, space);
	write_end(&b, sector++);
	if (udf)
		write_udf(&b, sector);
	put(r, (uint64_t)b.file[README].lba * BLOCK, "Read me.\n", 9);
}

/* Bytes [0, end) with blanks where the sum is to be. */
void do_implant(struct recipe *r)
{
	const uint64_t area = 16 * BLOCK + APP_USE;
	uint8_t space[4], *p = zeros(r, STEP), sum[MD5_SIZE];
	char text[513], frag[3 * FRAGMENTS + 1] = "", digits[3];
	struct md5 m;
	uint64_t end;
	unsigned last = 0;
	int n;

	get(r, 16 * BLOCK + 80, space, 4);
	end = (uint64_t)(view_le32((struct view){ space, 4 }, 0) - SKIP) * BLOCK;
	memset(text, ' ', 512);
	put(r, area, text, 512);
	md5_init(&m);
	for (uint64_t off = 0; off < end; off += STEP) {
		unsigned now = (unsigned)(off * (FRAGMENTS + 1) / end);
		size_t step = (size_t)u64_min(STEP, end - off);

		get(r, off, p, step);
		md5_add(&m, (struct view){ p, step });
		if (now == last)
			continue;
		last = now;
		md5_sum(&m, sum);
		for (unsigned i = 0; i < 3; i++) {
			snprintf(digits, sizeof(digits), "%x", sum[i]);
			frag[strlen(frag)] = digits[0];
		}
	}
	md5_sum(&m, sum);
	memcpy(text, "ISO MD5SUM = ", 13);
	for (unsigned i = 0; i < MD5_SIZE; i++)
		snprintf(text + 13 + 2 * i, 3, "%02x", sum[i]);
	n = snprintf(text + 45, sizeof(text) - 45,
		     ";SKIPSECTORS = %d;RHLISOSTATUS=0;FRAGMENT SUMS = %s;"
		     "FRAGMENT COUNT = %d;"
		     "THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!",
		     SKIP, frag, FRAGMENTS);
	text[45 + n] = ' ';
	put(r, area, text, 512);
	free(p);
}
