/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/journal_slot.h"

#include "base/crc32.h"
#include "rewrite/io.h"
#include "rewrite/journal_format.h"

#include "base/banned.h"

enum {
	OFF_MAGIC = 0,     /* 8 bytes */
	OFF_NUMBER = 8,    /* u64 */
	OFF_APPLIED = 16,  /* u64 */
	OFF_FLIGHT = 24,   /* u32 */
	OFF_SAVED = 28,    /* u32 */
	OFF_DATA_CRC = 32, /* u32: of the saved bytes */
	OFF_CRC = 36,      /* u32: of all before it */
	USED = 40,
};

static const uint8_t magic[8] = { 'v', 'm', 'e', 'n', 'd', '-', 'm', 'v' };

static uint64_t place(const struct journal *j, uint64_t number)
{
	return j->last.slots_at + number % 2 * (SLOT_HEADER + (uint64_t)j->last.chunk);
}

static void encode(const struct journal_slot *s, uint32_t data_crc,
		   uint8_t b[SLOT_HEADER])
{
	memset(b, 0, SLOT_HEADER);
	memcpy(b + OFF_MAGIC, magic, sizeof(magic));
	put_le64(b + OFF_NUMBER, s->number);
	put_le64(b + OFF_APPLIED, s->applied);
	put_le32(b + OFF_FLIGHT, (uint32_t)s->flight);
	put_le32(b + OFF_SAVED, s->saved);
	put_le32(b + OFF_DATA_CRC, data_crc);
	put_le32(b + OFF_CRC, crc32_of((struct view){ b, OFF_CRC }));
}

void slot_first(uint8_t header[SLOT_HEADER])
{
	struct journal_slot s = { .number = 0 };

	encode(&s, 0, header);
}

static bool flight_of(uint32_t v, enum slot_flight *out)
{
	static const enum slot_flight known[] = { SLOT_REST, SLOT_FORTH, SLOT_BACK };

	if (v >= sizeof(known) / sizeof(known[0]))
		return false;
	*out = known[v];
	return true;
}

/* Only the header: a slot counts when its bytes are right as well. */
static bool decode(const struct journal *j, struct view b, struct journal_slot *s)
{
	if (!view_eq(b, OFF_MAGIC, magic, sizeof(magic)) ||
	    view_le32(b, OFF_CRC) != crc32_of(view_cut(b, 0, OFF_CRC)) ||
	    !flight_of(view_le32(b, OFF_FLIGHT), &s->flight))
		return false;
	s->number = view_le64(b, OFF_NUMBER);
	s->applied = view_le64(b, OFF_APPLIED);
	s->saved = view_le32(b, OFF_SAVED);
	return s->saved <= j->last.chunk;
}

static int saved_crc(const struct journal *j, const struct journal_slot *s, uint32_t *crc,
		     struct err *e)
{
	uint8_t buf[8192];

	*crc = 0;
	for (uint32_t off = 0; off < s->saved; off += (uint32_t)sizeof(buf)) {
		size_t n = (size_t)u64_min(sizeof(buf), s->saved - off);

		if (io_read_padded(j->fd, place(j, s->number) + SLOT_HEADER + off, buf, n,
				   e) != 0)
			return -1;
		*crc = crc32_more(*crc, (struct view){ buf, n });
	}
	return 0;
}

int slot_read(const struct journal *j, struct journal_slot *s, struct err *e)
{
	bool found = false;

	for (uint64_t i = 0; i < 2; i++) {
		struct journal_slot is = { 0 };
		uint8_t b[USED];
		uint32_t crc;

		if (io_read_padded(j->fd, place(j, i), b, sizeof(b), e) != 0)
			return journal_fail(j, e);
		if (!decode(j, (struct view){ b, sizeof(b) }, &is) ||
		    is.number % 2 != i || (found && is.number < s->number))
			continue;
		if (saved_crc(j, &is, &crc, e) != 0)
			return journal_fail(j, e);
		if (crc != view_le32((struct view){ b, sizeof(b) }, OFF_DATA_CRC))
			continue;
		*s = is;
		found = true;
	}
	if (found)
		return 0;
	err_set(e, ERR_PARSE, "is damaged: it does not say how far the move is");
	return journal_fail(j, e);
}

int slot_bytes(const struct journal *j, const struct journal_slot *s, uint8_t *buf,
	       struct err *e)
{
	if (io_read_padded(j->fd, place(j, s->number) + SLOT_HEADER, buf, s->saved, e) !=
	    0)
		return journal_fail(j, e);
	return 0;
}

int slot_write(const struct journal *j, const struct journal_slot *s, const uint8_t *buf,
	       struct err *e)
{
	struct view data = { buf, s->saved };
	uint8_t head[SLOT_HEADER];

	encode(s, crc32_of(data), head);
	if ((data.n &&
	     io_write(j->fd, place(j, s->number) + SLOT_HEADER, data, e) != 0) ||
	    io_write(j->fd, place(j, s->number), (struct view){ head, sizeof(head) },
		     e) != 0 ||
	    io_sync(j->fd, e) != 0)
		return journal_fail(j, e);
	return 0;
}
