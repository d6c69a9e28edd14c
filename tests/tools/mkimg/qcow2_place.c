/* Names of places in a QCOW2: "header.size", "l2[0][3]", "snapshot[0].l1[2]", "guest[1M]".
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/qcow2.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

struct field {
	const char *name;
	unsigned off, width;
};

static const struct field header_fields[] = {
	{ "magic", 0, 4 },
	{ "version", 4, 4 },
	{ "backing-file-offset", 8, 8 },
	{ "backing-file-size", 16, 4 },
	{ "cluster-bits", 20, 4 },
	{ "size", 24, 8 },
	{ "crypt-method", 32, 4 },
	{ "l1-size", 36, 4 },
	{ "l1-table-offset", 40, 8 },
	{ "refcount-table-offset", 48, 8 },
	{ "refcount-table-clusters", 56, 4 },
	{ "nb-snapshots", 60, 4 },
	{ "snapshots-offset", 64, 8 },
	{ "incompatible-features", 72, 8 },
	{ "compatible-features", 80, 8 },
	{ "autoclear-features", 88, 8 },
	{ "refcount-order", 96, 4 },
	{ "header-length", 100, 4 },
	{ "compression-type", 104, 1 },
	{ "padding", 105, 1 },
	{ NULL, 0, 0 },
};

static const struct field snapshot_fields[] = {
	{ "l1-table-offset", 0, 8 },
	{ "l1-size", 8, 4 },
	{ "id-size", 12, 2 },
	{ "name-size", 14, 2 },
	{ "date-sec", 16, 4 },
	{ "date-nsec", 20, 4 },
	{ "vm-clock-nsec", 24, 8 },
	{ "vm-state-size", 32, 4 },
	{ "extra-data-size", 36, 4 },
	{ "vm-state-size-large", 40, 8 },
	{ "disk-size", 48, 8 },
	{ "icount", 56, 8 },
	{ NULL, 0, 0 },
};

static const struct field bitmap_fields[] = {
	{ "bitmap-table-offset", 0, 8 },
	{ "bitmap-table-size", 8, 4 },
	{ "flags", 12, 4 },
	{ "type", 16, 1 },
	{ "granularity-bits", 17, 1 },
	{ "name-size", 18, 2 },
	{ "extra-data-size", 20, 4 },
	{ NULL, 0, 0 },
};

static const struct field ext_fields[] = {
	{ "type", 0, 4 },
	{ "length", 4, 4 },
	{ "data", 8, 4 },
	{ NULL, 0, 0 },
};

static uint64_t field_at(const struct recipe *r, const struct field *f, const char **s,
			 unsigned *width)
{
	if (**s != '.')
		return 0;
	++*s;
	for (; f->name; f++) {
		if (skip_word(s, f->name)) {
			*width = f->width | BIG;
			return f->off;
		}
	}
	die(r, "no field is called '%s'", *s);
}

static uint64_t entry(unsigned i, unsigned *width)
{
	*width = 8 | BIG;
	return (uint64_t)i * 8;
}

/* "[I]" is an L2 table of an L1 table as built, "[I][J]" an entry of it. */
static uint64_t l2_at(const struct recipe *r, const uint64_t *l1, uint64_t n,
		      const char **s, unsigned *width)
{
	unsigned i = index_at(r, s);
	uint64_t off;

	if (i >= n || !l1[i])
		die(r, "there is no L2 table %u", i);
	off = l1[i];
	if (**s != '[')
		return off;
	off += index_at(r, s) * q_l2_entry_size(r->q);
	*width = 8 | BIG;
	if (strncmp(*s, ".bitmap", 7) == 0) {
		*s += 7;
		off += 8;
	}
	return off;
}

static uint64_t snapshot_at(const struct recipe *r, const char **s, unsigned *width)
{
	unsigned i = index_at(r, s);
	const struct q_snapshot *x = &r->q->snapshot[i % Q_LIST_MAX];
	const char *dot = *s;

	if (i >= r->q->nsnapshots)
		die(r, "there is no snapshot %u", i);
	if (**s == '.')
		++*s;
	if (skip_word(s, "l1"))
		return x->l1_off + entry(index_at(r, s), width);
	if (skip_word(s, "l2"))
		return l2_at(r, x->l1, x->l1_size, s, width);
	*s = dot;
	return x->at + field_at(r, snapshot_fields, s, width);
}

static uint64_t bitmap_at(const struct recipe *r, const char **s, unsigned *width)
{
	unsigned i = index_at(r, s);
	const struct q_bitmap *x = &r->q->bitmap[i % Q_LIST_MAX];
	const char *dot = *s;

	if (i >= r->q->nbitmaps)
		die(r, "there is no bitmap %u", i);
	if (**s == '.')
		++*s;
	if (skip_word(s, "table"))
		return x->table_off + entry(index_at(r, s), width);
	*s = dot;
	return x->at + field_at(r, bitmap_fields, s, width);
}

static uint64_t ext_at(const struct recipe *r, const char **s, unsigned *width)
{
	unsigned i = index_at(r, s);

	if (i >= r->q->next_ext)
		die(r, "there is no extension %u", i);
	return r->q->ext[i].at + field_at(r, ext_fields, s, width);
}

static uint64_t guest_at(const struct recipe *r, const char **s)
{
	const char *end;
	uint64_t off, host;

	if (**s != '[')
		die(r, "'[' and an offset expected at '%s'", *s);
	off = number_at(r, *s + 1, &end, NULL);
	if (*end != ']')
		die(r, "']' expected at '%s'", end);
	*s = end + 1;
	q_find(r, off, &host);
	if (!host)
		die(r, "guest offset %" PRIu64 " has no cluster of its own", off);
	return host + off % r->q->cs;
}

static uint64_t refblock_at(const struct recipe *r, const char **s)
{
	return q_get(r, r->q->rt_off + (uint64_t)index_at(r, s) * 8, 8);
}

bool q_place(const struct recipe *r, const char **s, uint64_t *off, unsigned *width)
{
	const struct qcow2_image *q = r->q;

	if (skip_word(s, "header"))
		*off = field_at(r, header_fields, s, width);
	else if (skip_word(s, "cluster"))
		*off = index_at(r, s) * q->cs;
	else if (skip_word(s, "l1"))
		*off = q->l1_off + (**s == '[' ? entry(index_at(r, s), width) : 0);
	else if (skip_word(s, "l2"))
		*off = l2_at(r, q->l1, q->l1_size, s, width);
	else if (skip_word(s, "rt"))
		*off = q->rt_off + (**s == '[' ? entry(index_at(r, s), width) : 0);
	else if (skip_word(s, "refblock"))
		*off = refblock_at(r, s);
	else if (skip_word(s, "snapshot"))
		*off = snapshot_at(r, s, width);
	else if (skip_word(s, "bitmap"))
		*off = bitmap_at(r, s, width);
	else if (skip_word(s, "ext"))
		*off = ext_at(r, s, width);
	else if (skip_word(s, "backing"))
		*off = q->backing_at;
	else if (skip_word(s, "luks"))
		*off = q->luks_off;
	else if (skip_word(s, "guest"))
		*off = guest_at(r, s);
	else
		return false;
	return true;
}

bool q_place_refcount(const struct recipe *r, const char *word, uint64_t *cluster)
{
	const char *s = word;

	if (!skip_word(&s, "refcount"))
		return false;
	*cluster = index_at(r, &s);
	if (*s)
		die(r, "'%s' is not a refcount: stuck at '%s'", word, s);
	return true;
}
