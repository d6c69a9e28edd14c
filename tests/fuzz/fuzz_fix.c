/* Any bytes, from recognition to the proven repair, at each level of what may be fixed:
 * no crash, no hang, and a repair keeps what rewrite/prove.h promises when it is looked at
 * as a file of its own. Nothing is written.
 *
 * Input that begins with 'G' is a program: it builds a disk with a GPT and then breaks it
 * (see `steps`), since no fuzzer guesses a CRC. Behind the bytes of any other image, a
 * last byte with bit 0 set asks for the checksums of both copies to be put right first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "base/crc32.h"
#include "rewrite/match.h"
#include "rewrite/prove.h"
#include "rewrite/trial.h"
#include "rules/rule.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DISK_MAX = 1 << 20 };

/* ---- a disk that is built and broken ---- */

struct disk_image {
	uint8_t *p; /* DISK_MAX bytes */
	size_t n;
	uint32_t ss;
	struct view program;
	size_t pc;
};

static uint64_t next(struct disk_image *d, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (view_has(d->program, d->pc, 1))
			v |= (uint64_t)view_u8(d->program, d->pc++) << 8 * i;
	}
	return v;
}

/* Offset of an LBA; one past the end counts back from the last sector instead. */
static size_t lba_at(const struct disk_image *d, uint64_t lba)
{
	uint64_t sectors = d->n / d->ss;

	return (size_t)(lba < sectors ? lba : sectors - 1 - lba % sectors) * d->ss;
}

static struct view whole(const struct disk_image *d)
{
	return (struct view){ d->p, d->n };
}

/* Both CRCs of the header at off, over the array where it says it is. */
static void reseal(const struct disk_image *d, size_t off)
{
	struct view v = whole(d);
	uint64_t at, bytes;

	if (!view_eq(v, off, GPT_SIGNATURE, 8) || !view_has(v, off, GPT_HEADER_SIZE))
		return;
	bytes = (uint64_t)view_le32(v, off + GPT_OFF_ENTRY_COUNT) *
		view_le32(v, off + GPT_OFF_ENTRY_SIZE);
	if (u64_mul(view_le64(v, off + GPT_OFF_ENTRIES_LBA), d->ss, &at) &&
	    range_within(at, bytes, d->n))
		put_le32(d->p + off + GPT_OFF_ENTRIES_CRC,
			 crc32_of(view_cut(v, (size_t)at, (size_t)bytes)));
	put_le32(d->p + off + GPT_OFF_HEADER_CRC, 0);
	put_le32(d->p + off + GPT_OFF_HEADER_CRC,
		 crc32_of(view_cut(v, off, GPT_HEADER_SIZE)));
}

static void build_partitions(struct disk_image *d, uint8_t *array, uint64_t first,
			     uint64_t last)
{
	unsigned n = (unsigned)next(d, 1) % 5;
	uint64_t each = (last - first + 1) / (n + 1);

	for (unsigned i = 0; i < n && each; i++) {
		uint8_t *e = array + (size_t)i * GPT_ENTRY_SIZE;

		memset(e + GPT_ENT_TYPE, 0xa0 + (int)i, GPT_GUID_SIZE);
		memset(e + GPT_ENT_GUID, 0x10 + (int)i, GPT_GUID_SIZE);
		put_le64(e + GPT_ENT_FIRST, first + i * each);
		put_le64(e + GPT_ENT_LAST, first + (i + 1) * each - 1);
		/* What a repair must leave alone. */
		memset(d->p + (first + i * each) * d->ss, 0xc0 + (int)i, each * d->ss);
	}
}

static void build(struct disk_image *d)
{
	static const uint32_t sizes[] = { 512, 4096, 1024, 2048 };
	uint64_t array, last;
	struct gpt_header h;
	struct view entries;

	d->ss = sizes[next(d, 1) % 4];
	d->n = (size_t)(2 + next(d, 1) % 6) << 16;
	array = GPT_ENTRIES_MIN_BYTES / d->ss;
	last = d->n / d->ss - 1;
	h = (struct gpt_header){ .my_lba = 1,
				 .alternate_lba = last,
				 .entries_lba = 2,
				 .first_usable = 2 + array,
				 .last_usable = last - array - 1,
				 .entry_count = 128,
				 .entry_size = GPT_ENTRY_SIZE };
	memset(h.disk_guid.b, 0x77, GPT_GUID_SIZE);
	build_partitions(d, d->p + 2 * d->ss, h.first_usable, h.last_usable);
	entries = view_cut(whole(d), 2 * d->ss, GPT_ENTRIES_MIN_BYTES);
	gpt_header_bytes(&h, entries, d->p + d->ss, d->ss);
	h.my_lba = last;
	h.alternate_lba = 1;
	h.entries_lba = last - array;
	memcpy(d->p + h.entries_lba * d->ss, entries.p, entries.n);
	gpt_header_bytes(&h, entries, d->p + last * d->ss, d->ss);
	mbr_protective_bytes(last + 1, d->p + MBR_OFF_ENTRIES);
	put_le16(d->p + MBR_OFF_MAGIC, 0xaa55);
}

/* A number of the header or entry at off gets a new value, or moves a little. */
static void change(struct disk_image *d, size_t off, const uint8_t *fields, size_t n)
{
	size_t at = off + fields[next(d, 1) % n];
	uint64_t how = next(d, 1);

	if (!view_has(whole(d), at, 8))
		return;
	if (how < 128)
		put_le64(d->p + at, view_le64(whole(d), at) + how - 64);
	else if (how < 192)
		put_le32(d->p + at, (uint32_t)next(d, 4));
	else
		put_le64(d->p + at, next(d, 8));
}

static void change_header(struct disk_image *d, size_t off)
{
	static const uint8_t fields[] = {
		GPT_OFF_SIGNATURE,     GPT_OFF_REVISION,     GPT_OFF_HEADER_SIZE,
		GPT_OFF_HEADER_CRC,    GPT_OFF_RESERVED,     GPT_OFF_MY_LBA,
		GPT_OFF_ALTERNATE_LBA, GPT_OFF_FIRST_USABLE, GPT_OFF_LAST_USABLE,
		GPT_OFF_DISK_GUID,     GPT_OFF_ENTRIES_LBA,  GPT_OFF_ENTRY_COUNT,
		GPT_OFF_ENTRY_SIZE,    GPT_OFF_ENTRIES_CRC,
	};

	change(d, off, fields, sizeof(fields));
}

static void change_entry(struct disk_image *d, size_t array)
{
	static const uint8_t fields[] = {
		GPT_ENT_TYPE, GPT_ENT_GUID,       GPT_ENT_FIRST,
		GPT_ENT_LAST, GPT_ENT_ATTRIBUTES, GPT_ENT_NAME
	};

	change(d, array + next(d, 1) % 6 * GPT_ENTRY_SIZE, fields, sizeof(fields));
}

static void change_mbr(struct disk_image *d)
{
	static const uint8_t fields[] = { MBR_ENT_BOOT, MBR_ENT_TYPE, MBR_ENT_LBA,
					  MBR_ENT_SECTORS };

	change(d, MBR_OFF_ENTRIES + next(d, 1) % 5 * MBR_ENTRY_SIZE, fields,
	       sizeof(fields));
}

static void resize(struct disk_image *d)
{
	size_t n = (size_t)next(d, 2) << 5;

	if (n < 64 << 10 || n > DISK_MAX)
		return;
	if (n > d->n)
		memset(d->p + d->n, 0, n - d->n);
	d->n = n;
}

static void copy_sectors(struct disk_image *d)
{
	size_t from = lba_at(d, next(d, 2)), to = lba_at(d, next(d, 2));
	size_t n = (size_t)(1 + next(d, 1) % 40) * d->ss;

	n = (size_t)u64_min(n, u64_min(d->n - from, d->n - to));
	memmove(d->p + to, d->p + from, n);
}

static void zero_sectors(struct disk_image *d)
{
	size_t at = lba_at(d, next(d, 2));
	size_t n = (size_t)(1 + next(d, 1) % 40) * d->ss;

	memset(d->p + at, 0, (size_t)u64_min(n, d->n - at));
}

/* The program's steps. */
static void steps(struct disk_image *d)
{
	/* Where the backup was built, whatever a resize makes of it. */
	size_t end = d->n - d->ss, array = end - GPT_ENTRIES_MIN_BYTES;

	while (d->pc < d->program.n) {
		switch (next(d, 1) % 10) {
		case 0:
			change_mbr(d);
			break;
		case 1:
			change_header(d, d->ss);
			break;
		case 2:
			change_header(d, end);
			break;
		case 3:
			change_entry(d, 2 * d->ss);
			break;
		case 4:
			change_entry(d, array);
			break;
		case 5:
			reseal(d, d->ss);
			break;
		case 6:
			reseal(d, end);
			break;
		case 7:
			resize(d);
			break;
		case 8:
			copy_sectors(d);
			break;
		case 9:
			zero_sectors(d);
			break;
		}
	}
}

/* ---- what must hold ---- */

/* An input, its repair, and what it would be once that is written. */
struct repair {
	struct arena arena;
	struct source src;
	struct unit unit;
	struct findings found;
	struct mend mend;
	bool planned;
	struct view result;
};

static const struct host no_host;

/* False: not ours, or the work could not be done. */
static bool plan(struct repair *r, struct view bytes, enum fix_class level)
{
	struct mend_policy policy = { .level = level };
	struct err e = { 0 };

	*r = (struct repair){ .src = source_of_bytes("input", bytes) };
	arena_init(&r->arena, ARENA_BUDGET);
	unit_read(&r->unit, &r->src, NULL, &no_host);
	if (r->unit.state != UNIT_READ)
		return false;
	rules_run(&r->unit, &r->arena, &r->found);
	r->planned = true;
	return mend_plan(&r->mend, &r->unit, &policy, &r->arena, &e) == 0;
}

static void drop(struct repair *r)
{
	if (r->planned)
		mend_free(&r->mend);
	unit_close(&r->unit);
	arena_free(&r->arena);
}

/* Edits lie within the image, apart from each other, and each knows its finding. */
static void check_edits(const struct plan *p)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *x = &p->edits.v[i];

		BUG_ON(x->at.len == 0 || x->bytes.n != x->at.len || !x->because);
		BUG_ON(!range_within(x->at.off, x->at.len, p->size));
		for (size_t k = 0; k < i; k++) {
			const struct edit *y = &p->edits.v[k];

			BUG_ON(x->at.off < span_end(y->at) &&
			       y->at.off < span_end(x->at));
		}
	}
}

/* False: too large to be made here. */
static bool make(struct repair *r)
{
	const struct plan *p = &r->mend.plan;
	uint8_t *b;

	if (r->unit.format->kind == FORMAT_TEXT) {
		r->result = r->mend.text;
		return true;
	}
	BUG_ON(p->size < r->src.size);
	check_edits(p);
	if (p->size > 4 * DISK_MAX)
		return false;
	b = arena_array(&r->arena, (size_t)p->size, uint8_t);
	memcpy(b, r->src.mem.p, r->src.mem.n);
	for (size_t i = 0; i < p->moves.n; i++)
		memcpy(b + p->moves.v[i].to, r->src.mem.p + p->moves.v[i].from,
		       (size_t)p->moves.v[i].len);
	for (size_t i = 0; i < p->edits.n; i++)
		memcpy(b + p->edits.v[i].at.off, p->edits.v[i].bytes.p,
		       p->edits.v[i].bytes.n);
	r->result = (struct view){ b, (size_t)p->size };
	return true;
}

/* No error that was not there before, and what is left is what was announced. */
static void check_findings(struct repair *r, struct repair *again)
{
	struct seen_list was = seen_in(&r->unit, &r->found, &r->arena);
	struct seen_list is = seen_in(&again->unit, &again->found, &again->arena);

	BUG_ON(again->found.v.n != r->mend.remaining.v.n);
	seen_match(&was, &is, &r->arena);
	for (size_t i = 0; i < is.n; i++) {
		const struct finding *f = is.v[i].finding;

		if (!is.v[i].same && f->severity >= SEV_WARNING &&
		    !is_laid_open(&r->unit, &again->unit, f))
			BUG("new: %s: %s", f->rule->id, f->message);
	}
}

/* How far a partition that begins at `from` is moved. */
static uint64_t shift_of(const struct plan *p, uint64_t from, uint64_t len)
{
	for (size_t i = 0; i < p->moves.n; i++) {
		if (p->moves.v[i].from != from)
			continue;
		BUG_ON(p->moves.v[i].len != len);
		return p->moves.v[i].to - from;
	}
	return 0;
}

static bool is_edited(const struct plan *p, uint64_t off)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct span at = p->edits.v[i].at;

		if (off >= at.off && off - at.off < at.len)
			return true;
	}
	return false;
}

/* Bytes [from, to) of the input are there, shifted: but for those of what was moved that
 * say where it is, in up to two boot sectors and their sums. */
static void check_bytes(const struct repair *r, uint64_t from, uint64_t to,
			uint64_t shift)
{
	const uint8_t *was = r->src.mem.p, *is = r->result.p + shift;
	uint64_t said = 0;

	for (uint64_t off = from; off < to; off++) {
		if (was[off] == is[off])
			continue;
		BUG_ON(shift == 0 || !is_edited(&r->mend.plan, off + shift));
		said++;
	}
	BUG_ON(said > 2 * (sizeof(uint64_t) + 4096));
}

/* The same partitions, and the same bytes in them. */
static void check_partitions(const struct repair *r, const struct repair *again)
{
	const struct gpt *was = r->unit.image ? r->unit.image->gpt : NULL;
	const struct gpt *is = again->unit.image ? again->unit.image->gpt : NULL;

	if (!was || !was->good)
		return;
	BUG_ON(!is || !is->good || is->good->nentries != was->good->nentries);
	for (size_t i = 0; i < was->good->nentries; i++) {
		const struct gpt_entry *x = &was->good->entry[i];
		const struct gpt_entry *y = &is->good->entry[i];
		uint64_t from, to, size = r->src.size, shift = 0;

		if (x->last.v < x->first.v || x->first.v >= was->sectors) {
			BUG_ON(x->first.v != y->first.v || x->last.v != y->last.v);
			continue;
		}
		from = x->first.v * was->sector_size;
		to = x->last.v < was->sectors ? (x->last.v + 1) * was->sector_size : size;
		if (from >= MBR_SIZE)
			shift = shift_of(&r->mend.plan, from, to - from);
		BUG_ON(x->first.v + shift / was->sector_size != y->first.v ||
		       y->last.v - y->first.v != x->last.v - x->first.v);
		check_bytes(r, u64_max(from, MBR_SIZE), to, shift);
	}
}

static bool was_cut_short(const struct mend *m)
{
	for (size_t i = 0; i < m->items.n; i++) {
		const char *why = m->items.v[i].reason;

		if (why && (strstr(why, "more rounds or trials") ||
			    strstr(why, "is not on the disk yet") ||
			    strstr(why, "are not in the file yet")))
			return true;
	}
	return false;
}

static void check(struct view bytes, enum fix_class level)
{
	struct repair r, again;

	if (plan(&r, bytes, level) && r.mend.changed && make(&r)) {
		BUG_ON(!plan(&again, r.result, level));
		BUG_ON(again.unit.format != r.unit.format);
		BUG_ON(again.mend.changed && !was_cut_short(&r.mend));
		check_findings(&r, &again);
		if (level < FIX_LOSSY)
			check_partitions(&r, &again);
		drop(&again);
	}
	drop(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_image d = { .program = { data, size }, .pc = 1, .ss = MBR_SIZE };

	if (size == 0 || size > DISK_MAX)
		return 0;
	d.p = calloc(1, DISK_MAX);
	BUG_ON(!d.p);
	if (data[0] == 'G') {
		build(&d);
		steps(&d);
	} else {
		memcpy(d.p, data, size);
		d.n = size;
		if (data[size - 1] & 1 && --d.n >= (size_t)2 * MBR_SIZE) {
			reseal(&d, MBR_SIZE);
			reseal(&d, (d.n - MBR_SIZE) / MBR_SIZE * MBR_SIZE);
		}
	}
	for (enum fix_class level = FIX_SAFE; level <= FIX_LOSSY; level++)
		check(whole(&d), level);
	free(d.p);
	return 0;
}
