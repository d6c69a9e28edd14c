/* Any bytes as a disk: recognition, reading, and a name for every place that was read.
 *
 * The input is eight bytes (see struct shape), then the disk's head and tail. Between them
 * are zeros, so that a few bytes make a whole disk; checksums can be put right, since no
 * fuzzer guesses them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/touch_image.h"

enum {
	START_WITH_GPT = 1,
	SEAL_PRIMARY = 2,
	SEAL_BACKUP = 4,
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

static void build(struct platter *d, const struct shape *s, struct view rest)
{
	size_t head = rest.n < s->head ? rest.n : s->head, tail = rest.n - head;

	platter_init(d, s->size, s->sector_size);
	if (s->flags & START_WITH_GPT && s->size >= 64 * d->ss)
		platter_put_gpt(d);
	if (s->head_at < s->size && head)
		memcpy(d->p + s->head_at, rest.p, u64_min(head, s->size - s->head_at));
	if (tail > s->size)
		tail = s->size;
	if (tail)
		memcpy(d->p + s->size - tail, rest.p + rest.n - tail, tail);
	if (s->flags & SEAL_PRIMARY)
		platter_seal_if_header(d, 1);
	if (s->flags & SEAL_BACKUP)
		platter_seal_if_header(d, platter_sectors(d) - 1);
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
