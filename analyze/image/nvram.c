/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/nvram.h"
#include "base/utf16.h"
#include "base/vec.h"

#include "base/banned.h"

enum {
	/* the volume's header: UEFI PI 1.8, volume 3, 3.2.1.1 */
	FV_LENGTH = 32,      /* u64 */
	FV_HEADER_SIZE = 48, /* u16 */
	FV_HEADER_MIN = 56,

	/* the store's, behind it */
	STORE_SIZE = 16, /* u32, with this header */
	STORE_FORMAT = 20,
	STORE_STATE = 21,
	STORE_HEADER = 28,
	FORMATTED = 0x5a,
	HEALTHY = 0xfe,

	/* a variable */
	VAR_STATE = 2,
	VAR_NAME_SIZE = 8, /* u32 each; of a store with signatures 28 further on */
	VAR_SIGNED = 28,
	VAR_DATA_SIZE = 4, /* behind the name's */
	VAR_VENDOR = 8,
	VAR_HEADER = 24, /* behind the name's size: to the end of the header */
	START_ID = 0x55aa,
	/* Bits are cleared as it goes: written, then in deletion, then deleted. */
	ADDED = 0x3f,
	IN_DELETION = 0x3e,

	/* EFI_LOAD_OPTION */
	OPTION_PATHS = 4, /* u16: bytes of device paths */
	OPTION_NAME = 6,
	ACTIVE = 1,

	/* a device path's node */
	NODE_LENGTH = 2, /* u16, with this header */
	NODE_HEADER = 4,
	TYPE_MEDIA = 4,
	MEDIA_DRIVE = 1,
	TYPE_END = 0x7f,
	DRIVE_SIGNATURE = 24,
	DRIVE_FORMAT = 40, /* 2: GPT */
	DRIVE_KIND = 41,   /* 2: a GUID */
	DRIVE_SIZE = 42,
};

static const uint8_t store_plain[] = { 0x16, 0x36, 0xcf, 0xdd, 0x75, 0x32, 0x64, 0x41,
				       0x98, 0xb6, 0xfe, 0x85, 0x70, 0x7f, 0xfe, 0x7d };
static const uint8_t store_signed[] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
					0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
static const uint8_t vendor_global[] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };

struct reader {
	struct look *look;
	struct view v; /* the store */
	uint64_t off;  /* of it in the file */
	bool is_signed;
	VEC(struct nvram_entry) entries;
};

/* ---- one entry ---- */

static void read_drive(struct reader *r, struct nvram_entry *e, struct view v, size_t at,
		       uint64_t off)
{
	if (view_le16(v, at + NODE_LENGTH) != DRIVE_SIZE ||
	    view_u8(v, at + DRIVE_FORMAT) != 2 || view_u8(v, at + DRIVE_KIND) != 2)
		return;
	e->has_partition = true;
	memcpy(e->partition.b, v.p + at + DRIVE_SIGNATURE, sizeof(e->partition.b));
	e->partition_at = look_span(r->look, off + at + DRIVE_SIGNATURE, GPT_GUID_SIZE);
}

static void read_paths(struct reader *r, struct nvram_entry *e, struct view v,
		       uint64_t off)
{
	for (size_t at = 0; view_has(v, at, NODE_HEADER);) {
		size_t n = view_le16(v, at + NODE_LENGTH);

		if (view_u8(v, at) == TYPE_END || n < NODE_HEADER || !view_has(v, at, n))
			return;
		if (view_u8(v, at) == TYPE_MEDIA && view_u8(v, at + 1) == MEDIA_DRIVE &&
		    n >= DRIVE_SIZE)
			read_drive(r, e, v, at, off);
		at += n;
	}
}

static void read_option(struct reader *r, unsigned number, struct view v, uint64_t off)
{
	struct nvram_entry *e;
	size_t at = OPTION_NAME, paths;

	if (!view_has(v, 0, OPTION_NAME) || r->entries.n == NVRAM_ENTRIES_MAX)
		return;
	paths = view_le16(v, OPTION_PATHS);
	while (view_has(v, at, 2) && view_le16(v, at) != 0)
		at += 2;
	if (!view_has(v, at, 2 + paths))
		return;
	e = vec_add(&r->entries, r->look->a);
	*e = (struct nvram_entry){ .number = number,
				   .at = look_span(r->look, off, v.n),
				   .active = view_le32(v, 0) & ACTIVE };
	e->name =
		utf16_text(r->look->a, view_cut(v, OPTION_NAME, at - OPTION_NAME), false);
	read_paths(r, e, view_cut(v, at + 2, paths), off + at + 2);
}

/* ---- variables ---- */

/* "Boot001F" and its NUL, in 16 bits each. */
static bool is_option(struct view name, unsigned *number)
{
	static const char boot[] = "Boot";

	if (name.n != 18)
		return false;
	*number = 0;
	for (size_t i = 0; i < 8; i++) {
		unsigned c = view_le16(name, 2 * i);

		if (i < 4 && c != (unsigned)boot[i])
			return false;
		if (i < 4)
			continue;
		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return false;
		*number = *number << 4 | c;
	}
	return true;
}

/* False: it ends here. *bad: it does not end as it should. */
static bool read_variable(struct reader *r, size_t *at, bool *bad)
{
	size_t sizes = *at + VAR_NAME_SIZE + (r->is_signed ? VAR_SIGNED : 0), name, data;
	struct view v = r->v;
	unsigned number;
	uint8_t state;

	if (!view_has(v, *at, 2) || view_le16(v, *at) != START_ID)
		return false;
	*bad = !view_has(v, sizes, VAR_HEADER);
	if (*bad)
		return false;
	state = view_u8(v, *at + VAR_STATE);
	name = view_le32(v, sizes);
	data = view_le32(v, sizes + VAR_DATA_SIZE);
	*at = sizes + VAR_HEADER;
	*bad = !range_within(name, data, v.n) || !view_has(v, *at, name + data);
	if (*bad)
		return false;
	if ((state == ADDED || state == IN_DELETION) &&
	    view_eq(v, sizes + VAR_VENDOR, vendor_global, sizeof(vendor_global)) &&
	    is_option(view_cut(v, *at, name), &number))
		read_option(r, number, view_cut(v, *at + name, data),
			    r->off + *at + name);
	*at = (*at + name + data + 3) & ~(size_t)3;
	return true;
}

static struct nvram *read_store(struct reader *r, struct nvram *n)
{
	size_t at = STORE_HEADER;
	bool bad = false;

	while (read_variable(r, &at, &bad))
		;
	n->complete = !bad && r->entries.n < NVRAM_ENTRIES_MAX;
	n->entry = r->entries.v;
	n->nentries = r->entries.n;
	return n;
}

struct nvram *nvram_read(struct look *l, struct view head, struct arena *scratch)
{
	struct nvram *n = arena_new(l->a, struct nvram);
	struct reader r = { .look = l };
	uint8_t *bytes;
	size_t size;

	l->why = "its header leads nowhere";
	if (!view_has(head, 0, FV_HEADER_MIN))
		return NULL;
	r.off = view_le16(head, FV_HEADER_SIZE);
	n->at = look_span(l, 0, r.off);
	n->size =
		(struct field){ view_le64(head, FV_LENGTH), look_span(l, FV_LENGTH, 8) };
	if (!view_has(head, (size_t)r.off, STORE_HEADER))
		return NULL;
	head = view_cut(head, (size_t)r.off, STORE_HEADER);
	r.is_signed = view_eq(head, 0, store_signed, sizeof(store_signed));
	if (!r.is_signed && !view_eq(head, 0, store_plain, sizeof(store_plain)))
		return NULL;
	size = view_le32(head, STORE_SIZE);
	if (view_u8(head, STORE_FORMAT) != FORMATTED ||
	    view_u8(head, STORE_STATE) != HEALTHY || size < STORE_HEADER ||
	    size > NVRAM_STORE_MAX)
		return NULL;
	bytes = arena_array(scratch, size, uint8_t);
	if (!look_read(l, r.off, bytes, size))
		return NULL;
	r.v = (struct view){ bytes, size };
	return read_store(&r, n);
}
