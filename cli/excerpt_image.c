/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/excerpt.h"
#include "base/banned.h"

enum { ROW = 16, DUMP_MAX = 4 * ROW };

/* The part of an image that is drawn, and the part of it that is marked. */
struct dump {
	uint64_t base;    /* of the first row */
	uint64_t end;     /* of the last row */
	int width;        /* of an offset */
	unsigned columns; /* of a full row */
};

void buf_hex(struct buf *out, struct view bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		buf_printf(out, "%s%02x", i ? " " : "", bytes.p[i]);
}

static void gutter(struct buf *out, const struct term *t, const struct dump *d,
		   const uint64_t *off)
{
	char text[24] = "";

	if (off)
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)*off);
	paint(out, t, PAINT_GUTTER);
	buf_printf(out, "%*s |", d->width, text);
	paint_end(out, t);
}

static struct dump plan_dump(const struct place *place, const struct marker *m)
{
	uint64_t size = m->at.src->size;
	uint64_t first = place ? place->record.off : m->at.off / ROW * ROW;
	uint64_t record_end = place ? span_end(place->record) : size;
	uint64_t last = span_end(m->at) - 1, bottom;
	struct dump d = { .base = first + (m->at.off - first) / ROW * ROW };
	char text[24];

	d.end = u64_min(u64_min(first + ((last - first) / ROW + 1) * ROW, record_end),
			size);
	d.end = u64_min(d.end, d.base + DUMP_MAX);
	bottom = d.end > d.base ? d.base + (d.end - d.base - 1) / ROW * ROW : d.base;
	d.width = snprintf(text, sizeof(text), "0x%llx", (unsigned long long)bottom);
	d.columns = (unsigned)u64_min(ROW, d.end > d.base ? d.end - d.base : 0) * 3;
	return d;
}

static void carets(struct buf *out, const struct term *t, const struct dump *d,
		   uint64_t row, const struct marker *m)
{
	uint64_t from = u64_max(m->at.off, row);
	uint64_t to = u64_min(span_end(m->at), row + ROW);
	bool last = span_end(m->at) <= row + ROW || row + ROW >= d->end;

	if (from >= to)
		return;
	gutter(out, t, d, NULL);
	buf_fill(out, ' ', 1 + (size_t)(from - row) * 3);
	paint(out, t, m->paint);
	buf_fill(out, '^', (size_t)(to - from) * 3 - 1);
	if (last && span_end(m->at) > row + ROW)
		buf_printf(out, " and %llu bytes more",
			   (unsigned long long)(span_end(m->at) - row - ROW));
	if (last && m->label)
		buf_printf(out, "   %s", m->label);
	paint_end(out, t);
	buf_char(out, '\n');
}

void excerpt_image(struct buf *out, const struct term *t, const struct place *place,
		   const struct marker *m)
{
	struct dump d;
	uint8_t bytes[ROW];
	struct err e;

	if (m->at.len == 0 || m->at.off >= m->at.src->size)
		return;
	if (place && m->at.off < place->record.off)
		place = NULL;
	d = plan_dump(place, m);

	/* There is nothing to show of what lies past the end, or can no longer be read. */
	for (uint64_t row = d.base; row < d.end; row += ROW) {
		size_t n = (size_t)u64_min(ROW, d.end - row);

		if (source_read(m->at.src, row, bytes, n, &e) != 0)
			return;
		if (row == d.base) {
			gutter(out, t, &d, NULL);
			buf_char(out, '\n');
		}
		gutter(out, t, &d, &row);
		buf_char(out, ' ');
		buf_hex(out, (struct view){ bytes, n });
		if (row == d.base && place && place->summary)
			buf_printf(out, "%*s   %s", (int)(d.columns - n * 3), "",
				   place->summary);
		buf_char(out, '\n');
		carets(out, t, &d, row, m);
	}
}
