/* The table that a disk which has lost its own will have, as a table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include "rules/lost_table.h"
#include "base/banned.h"

enum { NAME_COLUMNS = 20, SIZE_COLUMNS = 9 };

static void content_words(struct buf *out, const struct lost_part *p, struct arena *a)
{
	buf_add(out, str_of(p->fs->name));
	if (p->label.n)
		buf_printf(out, " '%s'", str_shown(a, p->label));
}

static void slot_out(struct buf *out, const struct term *t,
		     const struct lost_table *table, const struct lost_slot *s,
		     struct arena *a)
{
	struct buf size = { 0 }, content = { 0 };

	buf_about(&size, (s->last - s->first + 1) * table->sector_size);
	content_words(&content, s->part, a);
	paint(out, t, PAINT_FIX);
	buf_printf(out, "+ %3u %12llu %12llu  %-*s  %-*s  %-*s  %s", s->number,
		   (unsigned long long)s->first, (unsigned long long)s->last,
		   SIZE_COLUMNS, size.p, NAME_COLUMNS, lost_type_name(table, s),
		   NAME_COLUMNS, content.p, lost_end_words(s->end));
	paint_end(out, t);
	buf_char(out, '\n');
	buf_free(&size);
	buf_free(&content);
}

void diff_lost(struct buf *out, const struct term *t, const struct lost *l,
	       struct arena *a)
{
	struct lost_table *table = arena_new(a, struct lost_table);

	lost_table_of(table, l);
	paint(out, t, PAINT_HUNK);
	buf_printf(out, "@@ %s for sectors of %u bytes: %s @@",
		   table->mbr ? "an MBR" : "a GPT", table->sector_size, table->why);
	paint_end(out, t);
	buf_printf(out, "\n# %3s %12s %12s  %-*s  %-*s  %-*s  %s\n", "no.", "first LBA",
		   "last LBA", SIZE_COLUMNS, "size", NAME_COLUMNS, "type", NAME_COLUMNS,
		   "content", "its end");
	for (size_t i = 0; i < table->nslots; i++)
		slot_out(out, t, table, &table->slot[i], a);
	if (!table->mbr)
		buf_printf(out, "# the GUID of the disk is %s\n",
			   table->guid_kept ? "the one that it had" : "a new one");
	if (l->stopped)
		buf_printf(out, "# the search stopped at LBA %llu\n",
			   (unsigned long long)(l->stopped_at / table->sector_size));
}
