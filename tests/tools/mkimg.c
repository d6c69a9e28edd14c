/* mkimg RECIPE OUTPUT: builds a disk image from a text recipe, sparse and always the same.
 * SPDX-License-Identifier: Apache-2.0 */

/* It shares no code with analyze/image, so that the tests do not test code with itself.
 * One statement a line; "#" starts a comment; words are split at blanks, "..." keeps them.
 * Numbers are decimal or 0x..; K, M, G and T mean bytes. Where a line asks for sectors, a
 * plain number is sectors and a suffixed one is bytes: start=2048 and start=1M are the same
 * on sectors of 512 bytes.
 *
 * Description (written when the first action, `layer` or the end of the recipe comes):
 *   size 64M                      the disk; must come first
 *   sector 4096                   bytes per sector of the tables: 512 (default) to 4096
 *   gpt [first=N] [last=N] [entries=128] [entry-size=128] [guid=GUID] [style=fdisk]
 *       [disk=SIZE]               a GPT and its protective MBR. style=sgdisk (default, also
 *                                 parted's) has the first usable LBA behind the array,
 *                                 style=fdisk at 1 MiB. disk: the size it is made for
 *   part N start=.. size=..|end=..|end=max [type=linux] [name="root"] [guid=GUID] [attr=N]
 *                                 partition N (from 1). type: an alias (mkimg/words.c), or
 *                                 a GUID
 *   mbr none                      leave sector 0 alone although there is a gpt
 *   protective [entry=0] [start=1] [sectors=N] [boot=N]   instead of the canonical one
 *   entry N type=0x83 start=.. size=.. [boot=0x80]        MBR entry N (from 0)
 *   logical type=0x83 start=.. size=.. [ebr=..]           in the extended partition; its
 *                                 EBR stands at the chain's start, then 1 MiB before start
 *   signature 0x1234abcd          disk signature of the MBR
 *   bootcode "text" | bootcode seed=N                     into bytes 0 to 439
 *   layer                         what is described next goes on top of what is built
 *
 * Actions, in order, on the bytes:
 *   set PLACE.FIELD N             a number, as wide as the field
 *   or PLACE.FIELD N | clear PLACE.FIELD N                sets or clears these bits of it
 *   set PLACE.FIELD GUID          for the fields that hold one
 *   poke OFF u8|le16|le32|le64|be32|be64 N
 *   poke OFF bytes 00 ff ..       hexadecimal
 *   poke OFF text "EFI PART"
 *   zero OFF LEN
 *   fill OFF LEN seed=N [gaps=1]  bytes that look random; gaps: every second 128 are zero
 *   copy FROM TO LEN
 *   resize SIZE | resize +SIZE | resize -SIZE             grows with a hole, or cuts off
 *   reseal primary|backup         both CRCs of that copy, from its header as it is now
 *   bios SECTOR [text=..]         a boot sector as GRUB's, of 440 bytes, and what it starts
 *   fat OFF SIZE                  an empty FAT12 or FAT16
 *   file /EFI/BOOT/BOOTX64.EFI efi=x64 [signed=1] [text=..]   a program in the last fat
 *   file /A.TXT text=".."         another file; what these write: mkimg/boot.c
 *   iso "NAME" ... | implant       a small ISO 9660 image, and its sum: mkimg/iso.c
 *   variables | bootentry N ...    a firmware's variables, and a Boot#### of them:
 *                                 mkimg/nvram.c
 *   qcow2 ...                     what is built so far becomes the disk inside of a QCOW2;
 *                                 its options, statements and places: mkimg/qcow2_words.c
 *
 * OFF: a number of bytes; -N or end-N from the end of the file; lba[N]; mbr, mbr.entry[N],
 * mbr.entry[N].FIELD; primary.header, primary.entries, primary.entry[N] (N from 1, as part
 * counts), primary.entry[N].FIELD, primary.FIELD, the same with backup; each may be followed
 * by +N or -N. Places are those of the last gpt as it was built: a later resize does not
 * move them. Fields: see mkimg/place.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "tests/tools/mkimg/qcow2.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- description ---- */

static void do_size(struct recipe *r)
{
	if (r->size)
		die(r, "size is given twice (resize changes it)");
	r->size = number(r, need(r, 1, "a size"));
	if (r->size < 512 || r->size > INT64_MAX)
		die(r, "a disk of %" PRIu64 " bytes cannot be built", r->size);
	if (ftruncate(r->fd, (off_t)r->size) != 0)
		die(r, "cannot size the image: %s", strerror(errno));
}

static void do_sector(struct recipe *r)
{
	uint64_t ss = number(r, need(r, 1, "a number of bytes"));

	if (!is_pow2(ss) || ss < 512 || ss > 4096)
		die(r, "sectors measure 512, 1024, 2048 or 4096 bytes");
	if (r->gpt.wanted)
		die(r, "sector must come before gpt");
	r->ss = (uint32_t)ss;
}

static void do_gpt(struct recipe *r)
{
	struct gpt_plan *g = &r->gpt;
	const char *style = option(r, "style"), *last = option(r, "last");
	bool fdisk = style && strcmp(style, "fdisk") == 0;
	uint64_t array;

	only_options(r, 1, "first last entries entry-size guid style disk");
	if (style && !fdisk && strcmp(style, "sgdisk") != 0)
		die(r, "style is fdisk or sgdisk, not '%s'", style);
	g->wanted = true;
	g->sectors = option_number(r, "disk", r->size) / r->ss;
	g->nentries = option_number(r, "entries", 128);
	g->entry_size = option_number(r, "entry-size", 128);
	if (g->nentries > PARTS_MAX || g->entry_size < 128 || g->entry_size > 4096)
		die(r, "at most %d entries of 128 to 4096 bytes", PARTS_MAX);
	/* UEFI 5.3.1: room for 16 KiB, however few the entries are */
	array = div_up(u64_max(g->nentries * g->entry_size, 16384), r->ss);
	g->array_sectors = array;
	if (g->sectors < 2 * array + 4)
		die(r, "no room for a GPT in %" PRIu64 " sectors", g->sectors);
	g->first = option_sectors(r, "first", fdisk ? (1 << 20) / r->ss : array + 2);
	g->last = g->sectors - 2 - array;
	if (last)
		g->last = sectors(r, last);
	option_guid(r, "guid", "disk", 0, g->guid);
	if (!r->protective.used)
		r->protective =
			(struct extent){ .used = true,
					 .mbr_type = 0xee,
					 .start = 1,
					 .sectors = u64_min(g->sectors - 1, UINT32_MAX) };
}

static void read_extent(struct recipe *r, struct extent *x)
{
	const char *start = option(r, "start"), *size = option(r, "size");
	const char *end = option(r, "end");

	if (!start || !size == !end)
		die(r, "%s needs start=, and size= or end=", r->word[0]);
	x->used = true;
	x->start = sectors(r, start);
	if (size)
		x->sectors = sectors(r, size);
	else if (strcmp(end, "max") == 0)
		x->sectors = r->gpt.last - x->start + 1;
	else
		x->sectors =
			sectors(r, end) - x->start + 1; /* may be negative on purpose */
}

static void do_part(struct recipe *r)
{
	uint64_t n = number(r, need(r, 1, "a number from 1"));
	const char *type = option(r, "type"), *name = option(r, "name");
	struct extent *x;

	only_options(r, 2, "start size end type name guid attr");
	if (!r->gpt.wanted)
		die(r, "part needs a gpt before it");
	if (n < 1 || n > r->gpt.nentries)
		die(r, "partition %" PRIu64 " of %" PRIu64 " entries", n,
		    r->gpt.nentries);
	x = &r->part[n - 1];
	if (x->used)
		die(r, "partition %" PRIu64 " is there already", n);
	read_extent(r, x);
	type_guid(r, type ? type : "linux", x->type);
	option_guid(r, "guid", name ? name : "part", n, x->guid);
	x->attr = option_number(r, "attr", 0);
	for (size_t i = 0; name && name[i]; i++) {
		if (i >= 36 || (unsigned char)name[i] > 0x7f)
			die(r, "a name has at most 36 characters of ASCII");
		x->name[2 * i] = (uint8_t)name[i];
	}
}

static void do_mbr(struct recipe *r)
{
	if (strcmp(need(r, 1, "'none'"), "none") != 0)
		die(r, "mbr knows only 'none', not '%s'", r->word[1]);
	r->no_mbr = true;
}

static void do_protective(struct recipe *r)
{
	struct extent *p = &r->protective;

	only_options(r, 1, "entry start sectors boot");
	r->protective_slot = (unsigned)option_number(r, "entry", 0);
	if (r->protective_slot > 3)
		die(r, "an MBR has the entries 0 to 3");
	p->used = true;
	p->mbr_type = 0xee;
	p->start = option_number(r, "start", 1);
	p->sectors =
		option_number(r, "sectors", u64_min(r->size / r->ss - 1, UINT32_MAX));
	p->boot = (uint8_t)option_number(r, "boot", 0);
}

static void do_entry(struct recipe *r)
{
	uint64_t n = number(r, need(r, 1, "a number from 0 to 3"));
	struct extent *x = &r->entry[n & 3];

	only_options(r, 2, "type start size end boot");
	if (n > 3 || x->used || (r->protective.used && r->protective_slot == n))
		die(r, "entry %" PRIu64 " does not exist or is taken", n);
	read_extent(r, x);
	x->mbr_type = (uint8_t)option_number(r, "type", 0x83);
	x->boot = (uint8_t)option_number(r, "boot", 0);
}

static void do_logical(struct recipe *r)
{
	uint64_t mib = (1 << 20) / r->ss;
	struct extent *x = &r->logical[r->nlogical];

	only_options(r, 1, "type start size end ebr");
	if (r->nlogical == LOGICAL_MAX)
		die(r, "more than %d logical partitions", LOGICAL_MAX);
	read_extent(r, x);
	x->mbr_type = (uint8_t)option_number(r, "type", 0x83);
	x->ebr = r->nlogical ? x->start - mib : extended(r)->start;
	x->ebr = option_sectors(r, "ebr", x->ebr);
	r->nlogical++;
}

static void do_signature(struct recipe *r)
{
	r->signature = (uint32_t)number(r, need(r, 1, "a number"));
	r->has_signature = true;
}

static void do_bootcode(struct recipe *r)
{
	const char *seed = option(r, "seed"), *text = need(r, 1, "a text or seed=N");
	uint8_t *p;

	memset(r->code, 0, sizeof(r->code));
	r->has_code = true;
	if (!seed) {
		if (strlen(text) > sizeof(r->code))
			die(r, "boot code has %zu bytes, not %zu", sizeof(r->code),
			    strlen(text));
		memcpy(r->code, text, strlen(text));
		return;
	}
	p = random_bytes(r, sizeof(r->code), number(r, seed), false);
	memcpy(r->code, p, sizeof(r->code));
	free(p);
}

static void do_layer(struct recipe *r)
{
	struct gpt_plan places = r->gpt;

	build(r);
	places = r->gpt;
	memset(&r->no_mbr, 0, sizeof(*r) - offsetof(struct recipe, no_mbr));
	r->gpt = places; /* until the next gpt, places stay */
	r->gpt.wanted = false;
}

/* ---- actions ---- */

static void put_number(const struct recipe *r, uint64_t off, uint64_t v, unsigned width,
		       bool big)
{
	uint8_t b[8];

	if (width < 8 && v >> (8 * width))
		die(r, "%" PRIu64 " does not fit in %u bytes", v, width);
	for (unsigned i = 0; i < width; i++)
		b[big ? width - 1 - i : i] = (uint8_t)(v >> (8 * i));
	put(r, off, b, width);
}

static void do_set(struct recipe *r)
{
	const char *name = need(r, 1, "a field"), *value = need(r, 2, "a value");
	uint64_t off, cluster;
	unsigned width;
	uint8_t guid[16];

	if (r->q && q_place_refcount(r, name, &cluster)) {
		q_set_refcount(r, cluster, number(r, value));
		return;
	}
	off = place(r, name, &width);
	if (width == 0)
		die(r, "'%s' is not a field: use poke", r->word[1]);
	if (width != 16) {
		put_number(r, off, number(r, value), width & 0xff, width & BIG);
		return;
	}
	if (!guid_of_text(value, guid))
		die(r, "'%s' is not a GUID", value);
	put(r, off, guid, 16);
}

/* Sets bits of a number, or clears them. */
static void change_bits(struct recipe *r, bool set)
{
	unsigned width, n;
	uint64_t off = place(r, need(r, 1, "a field"), &width), v = 0;
	uint64_t bits = number(r, need(r, 2, "bits"));
	uint8_t b[8];

	n = width & 0xff;
	if (n == 0 || n > 8)
		die(r, "'%s' is not a number: use poke", r->word[1]);
	get(r, off, b, n);
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)b[width & BIG ? n - 1 - i : i] << (8 * i);
	put_number(r, off, set ? v | bits : v & ~bits, n, width & BIG);
}

static void do_or(struct recipe *r)
{
	change_bits(r, true);
}

static void do_clear(struct recipe *r)
{
	change_bits(r, false);
}

static void do_poke(struct recipe *r)
{
	static const struct {
		const char *name;
		unsigned width;
		bool big;
	} kinds[] = { { "u8", 1, false },   { "le16", 2, false }, { "le32", 4, false },
		      { "le64", 8, false }, { "be32", 4, true },  { "be64", 8, true } };
	uint64_t off = offset(r, 1);
	const char *kind = need(r, 2, "a kind of value"), *value = need(r, 3, "a value");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i].name) == 0) {
			put_number(r, off, number(r, value), kinds[i].width,
				   kinds[i].big);
			return;
		}
	}
	if (strcmp(kind, "text") == 0) {
		put(r, off, value, strlen(value));
		return;
	}
	if (strcmp(kind, "bytes") != 0)
		die(r, "poke knows u8 le16 le32 le64 be32 be64 bytes text, not '%s'",
		    kind);
	for (int i = 3; i < r->nwords; i++) {
		char *end;
		uint8_t b = (uint8_t)strtoul(r->word[i], &end, 16);

		if (*end || strlen(r->word[i]) != 2)
			die(r, "'%s' is not a byte of two hexadecimal digits",
			    r->word[i]);
		put(r, off++, &b, 1);
	}
}

static void do_zero(struct recipe *r)
{
	uint64_t off = offset(r, 1), n = number(r, need(r, 2, "a length"));
	void *p = zeros(r, n);

	put(r, off, p, (size_t)n);
	free(p);
}

static void do_fill(struct recipe *r)
{
	uint64_t off = offset(r, 1), n = number(r, need(r, 2, "a length"));
	uint8_t *p;

	only_options(r, 3, "seed gaps");
	p = random_bytes(r, n, option_number(r, "seed", 1), option(r, "gaps"));
	put(r, off, p, (size_t)n);
	free(p);
}

static void do_copy(struct recipe *r)
{
	uint64_t from = offset(r, 1), to = offset(r, 2);
	uint64_t n = number(r, need(r, 3, "a length"));
	void *p = zeros(r, n);

	get(r, from, p, (size_t)n);
	put(r, to, p, (size_t)n);
	free(p);
}

static void do_resize(struct recipe *r)
{
	const char *s = need(r, 1, "a size, +size or -size");
	uint64_t v = number(r, s + (*s == '+' || *s == '-'));

	if (*s == '+' && !u64_add(r->size, v, &v))
		die(r, "too large");
	if (*s == '-') {
		if (v > r->size)
			die(r, "the image has only %" PRIu64 " bytes", r->size);
		v = r->size - v;
	}
	if (v > INT64_MAX || ftruncate(r->fd, (off_t)v) != 0)
		die(r, "cannot resize to %" PRIu64 " bytes", v);
	r->size = v;
}

static void do_reseal(struct recipe *r)
{
	const char *which = need(r, 1, "'primary' or 'backup'");
	unsigned width;
	uint64_t off = place(r, which, &width), n;
	uint8_t h[4096];
	struct view v = { h, sizeof(h) };
	void *entries;

	if (strcmp(which, "primary") != 0 && strcmp(which, "backup") != 0)
		die(r, "reseal primary or backup, not '%s'", which);
	v.n = (size_t)r->gpt_ss;
	get(r, off, h, v.n);
	n = (uint64_t)view_le32(v, 80) * view_le32(v, 84);
	/* An array that is not there cannot be summed up; its old sum stays. */
	if (range_within(view_le64(v, 72), 1, r->size / r->gpt_ss) && n <= (1 << 22) &&
	    range_within(view_le64(v, 72) * r->gpt_ss, n, r->size)) {
		entries = zeros(r, n);
		get(r, view_le64(v, 72) * r->gpt_ss, entries, (size_t)n);
		put_le32(h + 88, crc32_of((struct view){ entries, (size_t)n }));
		free(entries);
	}
	put_le32(h + 16, 0);
	put_le32(h + 16, crc32_of((struct view){ h, u64_min(view_le32(v, 12), v.n) }));
	put(r, off, h, v.n);
}

/* ---- the recipe ---- */

static const struct verb {
	const char *name;
	void (*run)(struct recipe *r);
	bool action;
} verbs[] = {
	{ "size", do_size, false },
	{ "sector", do_sector, false },
	{ "gpt", do_gpt, false },
	{ "part", do_part, false },
	{ "mbr", do_mbr, false },
	{ "protective", do_protective, false },
	{ "entry", do_entry, false },
	{ "logical", do_logical, false },
	{ "signature", do_signature, false },
	{ "bootcode", do_bootcode, false },
	{ "layer", do_layer, true },
	{ "set", do_set, true },
	{ "or", do_or, true },
	{ "clear", do_clear, true },
	{ "poke", do_poke, true },
	{ "zero", do_zero, true },
	{ "fill", do_fill, true },
	{ "copy", do_copy, true },
	{ "resize", do_resize, true },
	{ "reseal", do_reseal, true },
	{ "bios", do_bios, true },
	{ "iso", do_iso, true },
	{ "implant", do_implant, true },
	{ "variables", do_variables, true },
	{ "bootentry", do_bootentry, true },
	{ "fat", do_fat, true },
	{ "file", do_file, true },
	{ "qcow2", do_qcow2, true },
	{ "guest", do_guest, true },
	{ "snapshot", do_snapshot, true },
	{ "bitmap", do_bitmap, true },
	{ "extension", do_extension, true },
};

/* The others act on bytes that must be there. */
static bool adds_to_qcow2(void (*run)(struct recipe *r))
{
	return run == do_guest || run == do_snapshot || run == do_bitmap ||
	       run == do_extension;
}

static void statement(struct recipe *r, bool *acted)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(v->name, r->word[0]) != 0)
			continue;
		if (!r->size && v->run != do_size)
			die(r, "size must come first");
		if (!v->action && *acted)
			die(r,
			    "%s describes, but the image is built already: "
			    "say 'layer' first",
			    v->name);
		*acted = v->action && v->run != do_layer;
		if (v->action)
			build(r);
		else
			r->dirty = true;
		if (v->run == do_layer && r->q)
			die(r, "the guest's disk is described before qcow2");
		if (!adds_to_qcow2(v->run))
			q_seal(r);
		v->run(r);
		return;
	}
	die(r, "'%s' is not a statement", r->word[0]);
}

int main(int argc, char **argv)
{
	static struct recipe r; /* 200 KiB, too large for the stack */
	char *line = NULL;
	size_t cap = 0;
	bool acted = false;
	FILE *in;

	if (argc != 3) {
		fputs("usage: mkimg RECIPE OUTPUT\n", stderr);
		return 2;
	}
	r.path = argv[1];
	r.out = argv[2];
	r.ss = 512;
	in = fopen(argv[1], "r");
	r.fd = in ? open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	if (r.fd < 0) {
		fprintf(stderr, "mkimg: %s: %s\n", argv[in ? 2 : 1], strerror(errno));
		return 1;
	}
	while (getline(&line, &cap, in) > 0) {
		r.line++;
		split(&r, line);
		if (r.nwords)
			statement(&r, &acted);
	}
	if (!r.size)
		die(&r, "the recipe has no size");
	build(&r);
	q_seal(&r);
	if (ferror(in) || close(r.fd) != 0)
		die(&r, "cannot finish: %s", strerror(errno));
	free(line);
	fclose(in);
	return 0;
}
