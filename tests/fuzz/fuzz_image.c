/* Any bytes as a disk: recognition, reading, and a name for every place that was read.
 *
 * The input is eight bytes (see struct shape), then the disk's head and tail. Between them
 * are zeros, so that a few bytes make a whole disk; checksums can be put right, since no
 * fuzzer guesses them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/touch_image.h"

/* What chance would take too long to find. */
enum {
	WITH_GPT = 1,     /* below the input's own bytes */
	SEAL_PRIMARY = 2, /* both checksums, above them */
	SEAL_BACKUP = 4,  /* of what stands in the last sector */
	WITH_OTHER = 8,   /* a primary for sectors twice or half as large, too */
	GROWN = 16,       /* the GPT is for half the disk; a backup also at the new end */
	BREAK_ARRAY = 32, /* the primary's, after all */
	BREAK_BACKUP = 64, /* its header, after all */

	SHAPE_SIZE = 8,
	SECTORS_MAX = 1 << 10, /* 512 KiB */
};

/* The first bytes of the input. */
struct shape {
	unsigned flags;       /* byte 0 */
	uint32_t sector_size; /* byte 1: of what is put there for it */
	uint32_t size;        /* bytes 2, 3 and 4: sectors of 512, and bytes */
	uint32_t head;        /* bytes 5 and 6: of the rest, the head's length */
	uint32_t head_at;     /* byte 7: where it goes, in steps of 64 */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_tables(struct platter *d, const struct shape *s)
{
	uint64_t n;

	if (s->flags & GROWN)
		platter_resize(d, s->size / 2 + 1);
	n = platter_sectors(d);
	if (d->size >= 64 * d->ss)
		platter_put_gpt(d);
	if (!(s->flags & GROWN))
		return;
	platter_resize(d, s->size);
	if (n > 1 && n < platter_sectors(d))
		memcpy(platter_backup(d), platter_lba(d, n - 1), d->ss);
}

/* A primary for another sector size, whose array stands behind the others. */
static void put_other(struct platter *d)
{
	uint32_t ss = d->ss;

	d->ss = ss == 512 ? 1024 : ss / 2;
	if (d->size >= 80 * d->ss) {
		platter_put_header(d, 1, platter_sectors(d) - 1, 48);
		platter_seal_if_header(d, 1);
	}
	d->ss = ss;
}

static void build(struct platter *d, const struct shape *s, struct view rest)
{
	size_t head = rest.n < s->head ? rest.n : s->head, tail = rest.n - head;

	platter_init(d, s->size, s->sector_size);
	if (s->flags & WITH_GPT)
		put_tables(d, s);
	if (s->head_at < s->size && head)
		memcpy(d->p + s->head_at, rest.p, u64_min(head, s->size - s->head_at));
	if (tail > s->size)
		tail = s->size;
	if (tail)
		memcpy(d->p + s->size - tail, rest.p + rest.n - tail, tail);
	if (s->flags & WITH_OTHER)
		put_other(d);
	if (s->flags & SEAL_PRIMARY)
		platter_seal_if_header(d, 1);
	if (s->flags & SEAL_BACKUP)
		platter_seal_if_header(d, platter_sectors(d) - 1);
	if (s->flags & BREAK_ARRAY && platter_sectors(d) > 2)
		platter_lba(d, 2)[0] ^= 1;
	if (s->flags & BREAK_BACKUP && platter_sectors(d) > 1)
		platter_backup(d)[0] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct host host = { 0 };
	struct view v = { data, n };
	struct platter d;
	struct shape s;
	struct unit u;

	if (n < SHAPE_SIZE)
		return -1;
	s.flags = view_u8(v, 0);
	s.sector_size = 512u << view_u8(v, 1) % 4;
	s.size = 1 + (view_le16(v, 2) % SECTORS_MAX) * 512u + view_u8(v, 4) * 2u;
	s.head = view_le16(v, 5);
	s.head_at = view_u8(v, 7) * 64u;
	build(&d, &s, view_cut(v, SHAPE_SIZE, n - SHAPE_SIZE));
	platter_image(&d);
	unit_read(&u, &d.src, NULL, &host);
	unit_close(&u);
	unit_read(&u, &d.src, format_find("raw"), &host);
	BUG_ON(u.state != UNIT_READ);
	touch_image(u.image, &d.arena);
	BUG_ON(u.arena.used > ARENA_BUDGET);
	unit_close(&u);
	platter_free(&d);
	return 0;
}
