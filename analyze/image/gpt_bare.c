/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_bare.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	SLOT = GPT_ENTRY_SIZE,
	PAGE = 4096,
	LOOKS = 8, /* partitions whose begins are looked at */
	GUID_VERSION = 7,
	GUID_VARIANT = 8,
};

/* UEFI 2.10, table 5-6: bits 3 to 47 are reserved. */
static const uint64_t reserved_bits = ((UINT64_C(1) << 48) - 1) & ~UINT64_C(7);

/* A type that is known, or of the form that RFC 4122 gives to a GUID. */
static bool is_type(struct view slot)
{
	unsigned version = view_u8(slot, GUID_VERSION) >> 4;
	struct guid type;

	memcpy(type.b, slot.p + GPT_ENT_TYPE, GPT_GUID_SIZE);
	return gpt_type_name(type) ||
	       (version >= 1 && version <= 5 && (view_u8(slot, GUID_VARIANT) >> 6) == 2);
}

static bool is_name(struct view slot)
{
	for (size_t at = GPT_ENT_NAME; at < SLOT; at += 2) {
		uint16_t unit = view_le16(slot, at);

		if (unit == 0)
			return true;
		if (unit < ' ')
			return false;
	}
	return true;
}

struct range {
	uint64_t first, last;
};

static struct range range_of(struct view slot)
{
	return (struct range){ view_le64(slot, GPT_ENT_FIRST),
			       view_le64(slot, GPT_ENT_LAST) };
}

static bool is_entry(struct view slot)
{
	return is_type(slot) &&
	       !view_is_zero(view_cut(slot, GPT_ENT_GUID, GPT_GUID_SIZE)) &&
	       (view_le64(slot, GPT_ENT_ATTRIBUTES) & reserved_bits) == 0 &&
	       is_name(slot);
}

static bool can_both_be(struct view a, struct view b)
{
	struct range x = range_of(a), y = range_of(b);

	return (x.last < y.first || y.last < x.first) &&
	       !view_eq(a, GPT_ENT_GUID, b.p + GPT_ENT_GUID, GPT_GUID_SIZE);
}

/* ---- one array ---- */

struct walk {
	struct view place;           /* the array within it */
	uint64_t begin, end;         /* the LBAs that partitions may have: not this one */
	size_t used[GPT_BARE_SLOTS]; /* offsets */
	size_t n;
};

/* An empty slot, or one in use that agrees with all that were before it. */
static bool add_slot(struct walk *w, size_t at)
{
	struct view slot = view_cut(w->place, at, SLOT);
	struct range r = range_of(slot);

	if (view_is_zero(slot))
		return true;
	if (!is_entry(slot) || r.first < w->begin || r.first > r.last ||
	    r.last >= w->end || w->n == GPT_BARE_SLOTS)
		return false;
	for (size_t i = 0; i < w->n; i++) {
		if (!can_both_be(view_cut(w->place, w->used[i], SLOT), slot))
			return false;
	}
	w->used[w->n++] = at;
	return true;
}

/* From LBA 2 on, as far as the first partition lets it, and as tools make it at most. */
static bool walk_head(struct walk *w, struct gpt_bare *b, struct view head)
{
	size_t ss = b->sector_size, at = 2 * ss, end = at + GPT_ENTRIES_MIN_BYTES;

	w->place = head;
	for (; at + SLOT <= end; at += SLOT) {
		size_t had = w->n;

		if (!view_has(head, at, SLOT) || !add_slot(w, at))
			return false;
		if (w->n > had)
			end = (size_t)u64_min(
				end, range_of(view_cut(head, at, SLOT)).first * ss);
	}
	b->lba = 2;
	b->array = view_cut(head, 2 * ss, end - 2 * ss);
	/* Of an entry far behind it is not known that it belongs there. */
	return w->n && w->used[0] < 3 * ss && w->used[w->n - 1] < end;
}

/* A sector before those that have been walked through; false: it has something else. */
static bool add_sector(struct walk *w, size_t at, size_t ss)
{
	size_t had = w->n;

	for (size_t i = 0; i < ss; i += SLOT) {
		if (add_slot(w, at + i))
			continue;
		w->n = had;
		return false;
	}
	return true;
}

static bool end_before(const struct walk *w, uint64_t lba)
{
	for (size_t i = 0; i < w->n; i++) {
		if (range_of(view_cut(w->place, w->used[i], SLOT)).last >= lba)
			return false;
	}
	return true;
}

/* From the header's place back to the last sector that has an entry. */
static bool walk_tail(struct walk *w, struct gpt_bare *b, struct view tail)
{
	size_t ss = b->sector_size, header = tail.n - ss, begin = header;

	w->place = tail;
	for (size_t at = header; at >= ss && (header - at) / SLOT < GPT_BARE_SLOTS;) {
		size_t had = w->n;

		at -= ss;
		if (!add_sector(w, at, ss))
			break;
		if (w->n > had)
			begin = at;
	}
	b->lba = w->end - (tail.n - begin) / ss;
	b->array = view_cut(tail, begin, header - begin);
	return w->n && end_before(w, b->lba);
}

/* How sure the place is; 0: not at all. */
static unsigned look(struct gpt_bare *b, struct view head, struct view tail,
		     uint64_t sectors)
{
	struct walk w = { .begin = 3, .end = sectors };
	uint64_t usual = GPT_ENTRIES_MIN_BYTES / b->sector_size;
	unsigned slot;

	if (b->which == GPT_PRIMARY ? !walk_head(&w, b, head) : !walk_tail(&w, b, tail))
		return 0;
	slot = b->array.n >= SLOT && view_is_zero(view_cut(b->array, 0, SLOT));
	if (b->which == GPT_BACKUP && b->lba != sectors - 1 - usual)
		return 2 - slot;
	return 4 - slot;
}

bool gpt_bare_find(struct gpt_bare *out, struct view head, struct view tail,
		   uint64_t size)
{
	static const enum gpt_which copies[] = { GPT_PRIMARY, GPT_BACKUP };
	unsigned best = 0;

	for (uint32_t ss = 512; ss <= PAGE; ss *= 2) {
		for (size_t i = 0; i < 2 && size % ss == 0; i++) {
			struct gpt_bare b = { .which = copies[i], .sector_size = ss };
			unsigned sure = look(&b, head, tail, size / ss);

			if (sure <= best)
				continue;
			best = sure;
			*out = b;
		}
	}
	return best != 0;
}

/* Zeros, and then something. */
static bool begins_at(const struct source *s, uint64_t off)
{
	uint8_t pages[2 * PAGE];
	struct view v = { pages, sizeof(pages) };
	struct err ignored;

	return off >= PAGE && range_within(off - PAGE, sizeof(pages), s->size) &&
	       source_read(s, off - PAGE, pages, sizeof(pages), &ignored) == 0 &&
	       view_is_zero(view_cut(v, 0, PAGE)) &&
	       !view_is_zero(view_cut(v, PAGE, PAGE));
}

bool gpt_bare_begins(const struct gpt_bare *b, const struct source *s)
{
	unsigned looks = 0;

	for (size_t at = 0; at + SLOT <= b->array.n && looks < LOOKS; at += SLOT) {
		struct view slot = view_cut(b->array, at, SLOT);

		if (view_is_zero(slot))
			continue;
		looks++;
		if (begins_at(s, range_of(slot).first * b->sector_size))
			return true;
	}
	return false;
}
