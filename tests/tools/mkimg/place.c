/* Names of places in the image: "backup.entry[2].first", "lba[40]", "end-512".
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/qcow2.h"

#include <inttypes.h>
#include <string.h>

#include "base/banned.h"

struct field {
	const char *name;
	unsigned off, width; /* width 16: a GUID */
};

static const struct field header_fields[] = {
	{ "signature", 0, 8 },      { "revision", 8, 4 },      { "header-size", 12, 4 },
	{ "header-crc", 16, 4 },    { "reserved", 20, 4 },     { "my-lba", 24, 8 },
	{ "alternate-lba", 32, 8 }, { "first-usable", 40, 8 }, { "last-usable", 48, 8 },
	{ "disk-guid", 56, 16 },    { "entries-lba", 72, 8 },  { "entry-count", 80, 4 },
	{ "entry-size", 84, 4 },    { "entries-crc", 88, 4 },  { NULL, 0, 0 },
};

static const struct field entry_fields[] = {
	{ "type", 0, 16 }, { "guid", 16, 16 },      { "first", 32, 8 },
	{ "last", 40, 8 }, { "attributes", 48, 8 }, { "name", 56, 2 },
	{ NULL, 0, 0 },
};

static const struct field mbr_fields[] = {
	{ "boot", 0, 1 }, { "chs-first", 1, 1 }, { "type", 4, 1 }, { "chs-last", 5, 1 },
	{ "lba", 8, 4 },  { "sectors", 12, 4 },  { NULL, 0, 0 },
};

unsigned index_at(const struct recipe *r, const char **s)
{
	const char *end;
	uint64_t n;

	if (**s != '[')
		die(r, "'[' and a number expected at '%s'", *s);
	n = number_at(r, *s + 1, &end, NULL);
	if (*end != ']')
		die(r, "']' expected at '%s'", end);
	*s = end + 1;
	if (n > UINT32_MAX)
		die(r, "index %" PRIu64 " is too large", n);
	return (unsigned)n;
}

bool skip_word(const char **s, const char *word)
{
	size_t n = strlen(word);

	/* "-" may belong to a longer name as well as be an operator: names win. */
	if (strncmp(*s, word, n) != 0 || ((*s)[n] >= 'a' && (*s)[n] <= 'z') ||
	    ((*s)[n] == '-' && (*s)[n + 1] >= 'a' && (*s)[n + 1] <= 'z'))
		return false;
	*s += n;
	return true;
}

static uint64_t field_at(const struct recipe *r, const struct field *f, const char **s,
			 unsigned *width)
{
	if (**s != '.')
		return 0;
	++*s;
	for (; f->name; f++) {
		if (skip_word(s, f->name)) {
			*width = f->width;
			return f->off;
		}
	}
	die(r, "no field is called '%s'", *s);
}

static uint64_t gpt_place(const struct recipe *r, bool backup, const char **s,
			  unsigned *width)
{
	const struct gpt_plan *g = &r->gpt;
	uint64_t header = header_lba(g, backup) * r->gpt_ss, n;
	uint64_t entries = entries_lba(g, backup) * r->gpt_ss;
	const char *dot = *s;

	if (!g->built)
		die(r, "no gpt has been built");
	if (**s == '.')
		++*s;
	if (skip_word(s, "header"))
		return header + field_at(r, header_fields, s, width);
	if (skip_word(s, "entries"))
		return entries;
	if (!skip_word(s, "entry")) {
		*s = dot;
		return header + field_at(r, header_fields, s, width);
	}
	n = index_at(r, s);
	if (n < 1 || n > g->nentries)
		die(r, "entry %" PRIu64 " of %" PRIu64, n, g->nentries);
	entries += (n - 1) * g->entry_size;
	return entries + field_at(r, entry_fields, s, width);
}

static uint64_t mbr_place(const struct recipe *r, const char **s, unsigned *width)
{
	unsigned n;

	if (**s != '.')
		return 0;
	++*s;
	if (skip_word(s, "magic")) {
		*width = 2;
		return 510;
	}
	if (!skip_word(s, "entry"))
		die(r, "mbr has .entry[N] and .magic, not '%s'", *s);
	n = index_at(r, s);
	if (n > 3)
		die(r, "an MBR has the entries 0 to 3");
	return 446 + 16 * n + field_at(r, mbr_fields, s, width);
}

uint64_t place(const struct recipe *r, const char *word, unsigned *width)
{
	const char *s = word;
	uint64_t off, v;

	*width = 0;
	if (r->q && q_place(r, &s, &off, width))
		;
	else if (skip_word(&s, "primary"))
		off = gpt_place(r, false, &s, width);
	else if (skip_word(&s, "backup"))
		off = gpt_place(r, true, &s, width);
	else if (skip_word(&s, "mbr"))
		off = mbr_place(r, &s, width);
	else if (r->iso.n && skip_word(&s, "iso"))
		off = iso_place_of(r, &s);
	else if (skip_word(&s, "lba"))
		off = index_at(r, &s) * (uint64_t)r->ss;
	else if (skip_word(&s, "end") || *s == '-')
		off = r->size;
	else
		off = number_at(r, s, &s, NULL);
	while (*s == '+' || *s == '-') {
		bool minus = *s == '-';

		v = number_at(r, s + 1, &s, NULL);
		off = minus ? off - v : off + v;
	}
	if (*s)
		die(r, "'%s' is not an offset: stuck at '%s'", word, s);
	if (off > r->size)
		die(r, "'%s' lies outside of the image's %" PRIu64 " bytes", word,
		    r->size);
	return off;
}

uint64_t offset(const struct recipe *r, int i)
{
	unsigned width;

	return place(r, need(r, i, "an offset"), &width);
}
