/* Rules on what a GPT calls itself and its partitions: GUIDs and names that systems find
 * disks by. UEFI 2.10, section 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

enum {
	/* Entries that are looked at; a table with more is made up, or a test of tools. */
	NAMED_MAX = 256,
};

static size_t looked_at(const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (!gpt_state_has_table(&st))
		return 0;
	return g->good->nentries < NAMED_MAX ? g->good->nentries : NAMED_MAX;
}

static void check_disk_guid(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (gpt_state_has_table(&st) && guid_is_zero(g->good->disk_guid))
		report(s, g->good->disk_guid_at, "the disk's GUID is zero");
}

static struct span name_at(const struct gpt_entry *e)
{
	return (struct span){ e->at.src, e->at.off + GPT_ENT_NAME, GPT_ENT_NAME_SIZE };
}

/* sgdisk and others give each partition the name of its type. */
static bool is_given_name(const struct gpt_entry *e)
{
	const char *type = gpt_type_name(e->type);

	return e->name.n == 0 || (type && str_is(e->name, type)) ||
	       str_starts(e->name, "Linux ") || str_starts(e->name, "Microsoft ") ||
	       str_is(e->name, "Basic data partition") || str_is(e->name, "primary");
}

static const struct gpt_entry *same_name_before(const struct gpt_table *t, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (str_eq(t->entry[k].name, t->entry[i].name))
			return &t->entry[k];
	}
	return NULL;
}

static void check_name_dup(struct scan *s, const struct gpt *g)
{
	size_t n = looked_at(g);

	for (size_t i = 0; i < n; i++) {
		const struct gpt_entry *e = &g->good->entry[i], *o;
		struct finding *f;

		o = is_given_name(e) ? NULL : same_name_before(g->good, i);
		if (!o)
			continue;
		f = report(s, name_at(e),
			   "partition %u has the name of partition %u, '%s'", e->number,
			   o->number, shown(s, e->name));
		report_related(s, f, name_at(o), "partition %u", o->number);
	}
}

static void check_guid_is_type(struct scan *s, const struct gpt *g)
{
	size_t n = looked_at(g);

	for (size_t i = 0; i < n; i++) {
		const struct gpt_entry *e = &g->good->entry[i];
		const char *type = gpt_type_name(e->guid);

		if (type && !guid_is_zero(e->guid))
			report(s,
			       (struct span){ e->at.src, e->at.off + GPT_ENT_GUID,
					      GPT_GUID_SIZE },
			       "the unique GUID of partition %u is that of the type '%s'",
			       e->number, type);
	}
}

static void ask_revision(struct scan *s, const struct gpt_table *t)
{
	if (t->header_ok && t->revision.v != GPT_REVISION_1_0)
		report(s, t->revision.at,
		       "the %s GPT header has revision %llu.%llu, expected 1.0",
		       t->which == GPT_PRIMARY ? "primary" : "backup",
		       (unsigned long long)(t->revision.v >> 16),
		       (unsigned long long)(t->revision.v & 0xffff));
}

static void check_revision(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (!gpt_state_has_table(&st))
		return;
	ask_revision(s, &g->primary);
	ask_revision(s, &g->backup);
}

const struct rule rules_gpt_names[] = {
	{ .id = "gpt-disk-guid-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "the disk has no GUID",
	  .why = "Systems tell disks apart by it: two such disks in one machine are taken for "
		 "one, and Windows gives them new GUIDs, which changes what boot entries say.",
	  .steps =
		  "`sfdisk --disk-id DISK $(uuidgen)` gives it one. Boot entries that name the "
		  "disk's GUID have to be made again.",
	  .source = "UEFI 2.10, table 5-5, DiskGUID",
	  .since = "0.1.0",
	  CHECK(gpt, check_disk_guid) },
	{ .id = "gpt-name-dup",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "two partitions have the same name",
	  .why = "/dev/disk/by-partlabel has one link for both: which of them it leads to can "
		 "change with each start.",
	  .steps =
		  "`sfdisk --part-label DISK NUMBER NAME` gives one of them another name.",
	  .source = "systemd, rules.d/60-persistent-storage.rules: ID_PART_ENTRY_NAME",
	  .since = "0.1.0",
	  CHECK(gpt, check_name_dup) },
	{ .id = "gpt-part-guid-is-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a partition's unique GUID is a type GUID",
	  .why = "Whoever made the table put the type where the identity belongs: every disk "
		 "made that way has the same PARTUUID, and a root=PARTUUID= finds the wrong one.",
	  .steps =
		  "`sfdisk --part-uuid DISK NUMBER $(uuidgen)`, then put the new PARTUUID into "
		  "boot loader and fstab where the old one stands.",
	  .source = "OSInside/kiwi issue 2517; UEFI 2.10, table 5-6, UniquePartitionGUID",
	  .since = "0.1.0",
	  CHECK(gpt, check_guid_is_type) },
	{ .id = "gpt-revision",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a GPT header of another revision than 1.0",
	  .why = "parted refuses such a disk, sgdisk takes it for empty, and would write an "
		 "empty table over it.",
	  .steps =
		  "There is no other revision. If the table is otherwise right (`vmend inspect`), "
		  "`vmend fix --unsafe-fixes` sets this one to 1.0.",
	  .source = "UEFI 2.10, table 5-5, Revision",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_revision, gpt_fix_revision) },
};

RULES_END(gpt_names);
