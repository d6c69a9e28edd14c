/* Rules on the internal snapshots of a QCOW2: the table, and what its entries name.
 * docs/interop/qcow2.txt of QEMU, "Snapshots".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* Findings of one kind: a table of rubbish has 65536 entries. */
enum { SHOWN_MAX = 8 };
/* Names are compared each with each. Nobody has as many. */
enum { COMPARED_MAX = 1024 };

static const char *called(struct scan *s, const struct qcow2_snapshot *x)
{
	return scan_printf(s, "'%s' (id '%s')", shown(s, x->name), shown(s, x->id));
}

/* All zeros: no snapshot was ever there. */
static bool is_empty(const struct qcow2_snapshot *x)
{
	return x->l1_offset.v == 0 && x->l1_size.v == 0 && x->id.n == 0 &&
	       x->name.n == 0 && x->extra_size.v == 0 && x->date_sec.v == 0 &&
	       x->vm_state_size.v == 0;
}

/* ---- qcow2-snapshot-table ---- */

static void check_list(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_snapshots *l = &q->snapshots;

	switch (l->state) {
	case QCOW2_LIST_NONE:
	case QCOW2_LIST_WHOLE:
	case QCOW2_LIST_NO_ROOM:
		return;
	case QCOW2_LIST_CUT:
		report(s, q->nb_snapshots.at,
		       "nb_snapshots is %llu, and the file ends after the entries of %zu",
		       LLU(q->nb_snapshots.v), l->n);
		return;
	case QCOW2_LIST_ZERO:
		report(s, q->snapshots_offset.at,
		       "nb_snapshots is %llu, but the table is at offset 0, over the header",
		       LLU(q->nb_snapshots.v));
		return;
	case QCOW2_LIST_UNALIGNED:
		report(s, q->snapshots_offset.at,
		       "the snapshot table is at %llu, expected a multiple of the cluster "
		       "size, %llu",
		       LLU(q->snapshots_offset.v), LLU(q->cluster_size));
		return;
	case QCOW2_LIST_OUTSIDE:
		report(s, q->snapshots_offset.at,
		       "the snapshot table is at %llu, and the file ends at %llu",
		       LLU(q->snapshots_offset.v), LLU(q->file_size));
		return;
	case QCOW2_LIST_TOO_MANY:
		report(s, q->nb_snapshots.at, "nb_snapshots is %llu, expected at most %d",
		       LLU(q->nb_snapshots.v), QCOW2_SNAPSHOTS_MAX);
		return;
	}
}

/* Whether its L1 table can be what the entry says; reported if not. */
static bool check_l1(struct scan *s, const struct qcow2 *q,
		     const struct qcow2_snapshot *x)
{
	uint64_t covered;

	switch (x->l1.state) {
	case QCOW2_TABLE_ZERO:
		report(s, x->l1_offset.at,
		       "the L1 table of snapshot %s is at offset 0, over the header",
		       called(s, x));
		return false;
	case QCOW2_TABLE_UNALIGNED:
		report(s, x->l1_offset.at,
		       "the L1 table of snapshot %s is at %llu, expected a multiple of the "
		       "cluster size, %llu",
		       called(s, x), LLU(x->l1_offset.v), LLU(q->cluster_size));
		return false;
	case QCOW2_TABLE_OUTSIDE:
		report(s, x->l1_offset.at,
		       "the L1 table of snapshot %s is at %llu, and the file ends at %llu",
		       called(s, x), LLU(x->l1_offset.v), LLU(q->file_size));
		return false;
	case QCOW2_TABLE_TOO_LARGE:
		report(s, x->l1_size.at,
		       "the L1 table of snapshot %s has %llu entries, expected at most %d",
		       called(s, x), LLU(x->l1_size.v), QCOW2_L1_MAX / 8);
		return false;
	case QCOW2_TABLE_CUT:
		if (!qcow2_beyond(q, x->l1.at))
			break;
		report(s, x->l1_size.at,
		       "the L1 table of snapshot %s, %llu entries at %llu, goes past the end "
		       "of the file, %llu",
		       called(s, x), LLU(x->l1_size.v), LLU(x->l1_offset.v),
		       LLU(q->file_size));
		return false;
	case QCOW2_TABLE_NONE:
	case QCOW2_TABLE_WHOLE:
	case QCOW2_TABLE_NO_ROOM:
		break;
	}
	if (q->l1_size.v && x->l1_offset.v == q->l1_offset.v) {
		report(s, x->l1_offset.at,
		       "the L1 table of snapshot %s is the active one, at %llu",
		       called(s, x), LLU(x->l1_offset.v));
		return false;
	}
	if (x->disk_size.at.len &&
	    (!u64_mul(x->l1_size.v, q->l2_bytes, &covered) || covered < x->disk_size.v)) {
		report(s, x->l1_size.at,
		       "the L1 size of snapshot %s is %llu, and its disk of %llu bytes needs "
		       "%llu",
		       called(s, x), LLU(x->l1_size.v), LLU(x->disk_size.v),
		       LLU(div_up(x->disk_size.v, q->l2_bytes)));
		return false;
	}
	return true;
}

static bool check_entry(struct scan *s, const struct qcow2 *q,
			const struct qcow2_snapshot *x, size_t i)
{
	if (is_empty(x)) {
		report(s, x->at,
		       "entry %zu of %llu in the snapshot table is empty: no id, no name, no "
		       "L1 table",
		       i, LLU(q->nb_snapshots.v));
		return false;
	}
	if (x->extra_size.v > QCOW2_SNAPSHOT_EXTRA_MAX) {
		report(s, x->extra_size.at,
		       "snapshot %s has %llu bytes of extra data, expected at most %d",
		       called(s, x), LLU(x->extra_size.v), QCOW2_SNAPSHOT_EXTRA_MAX);
		return false;
	}
	return check_l1(s, q, x);
}

static void check_table(struct scan *s, const struct qcow2 *q)
{
	size_t bad = 0;

	if (!qcow2_understood(q))
		return;
	check_list(s, q);
	for (size_t i = 0; bad < SHOWN_MAX && i < q->snapshots.n; i++)
		bad += !check_entry(s, q, &q->snapshots.v[i], i);
}

/* Entries at the end of the table, where only zeros are. */
static bool fix_table(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_snapshots *l = &q->snapshots;
	size_t n = l->n;

	if (l->state != QCOW2_LIST_WHOLE)
		return plan_refuse(p,
				   "the table cannot be read, and what it says is in no "
				   "other place");
	while (n > 0 && is_empty(&l->v[n - 1]))
		n--;
	if (n == l->n || f->at.off < l->v[n].at.off)
		return plan_refuse(p, "what the entry should say is in no other place");
	plan_title(p, "nb_snapshots %zu, without what is empty", n);
	return plan_be32(p, STAGE_COMMIT, q->nb_snapshots.at, (uint32_t)n);
}

/* ---- qcow2-snapshot-incomplete ---- */

static void check_incomplete(struct scan *s, const struct qcow2 *q)
{
	size_t shown_so_far = 0;

	if (!qcow2_understood(q) || !q->v3)
		return;
	for (size_t i = 0; shown_so_far < SHOWN_MAX && i < q->snapshots.n; i++) {
		const struct qcow2_snapshot *x = &q->snapshots.v[i];

		if (is_empty(x) || x->extra_size.v >= 16)
			continue;
		report(s, x->extra_size.at,
		       "snapshot %s has %llu bytes of extra data, expected at least 16: the "
		       "size of its disk is not recorded",
		       called(s, x), LLU(x->extra_size.v));
		shown_so_far++;
	}
}

/* ---- qcow2-snapshot-dup ---- */

static void same_as_before(struct scan *s, const struct qcow2 *q, size_t i)
{
	const struct qcow2_snapshot *x = &q->snapshots.v[i];

	for (size_t j = 0; j < i; j++) {
		const struct qcow2_snapshot *y = &q->snapshots.v[j];
		bool id = x->id.n && str_eq(x->id, y->id);
		struct finding *f;

		if (!id && !(x->name.n && str_eq(x->name, y->name)))
			continue;
		if (id)
			f = report(s, x->id_at, "two snapshots have the id '%s'",
				   shown(s, x->id));
		else
			f = report(s, x->name_at, "two snapshots have the name '%s'",
				   shown(s, x->name));
		report_related(s, f, y->at, "the other one");
		return;
	}
}

static void check_dup(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_understood(q))
		return;
	for (size_t i = 1; i < u64_min(q->snapshots.n, COMPARED_MAX); i++)
		same_as_before(s, q, i);
}

const struct rule rules_qcow2_snapshot[] = {
	{ .id = "qcow2-snapshot-dup",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "two snapshots with one id or name",
	  .why = "Which of them `qemu-img snapshot -a` goes back to, or -d deletes, depends on "
		 "the order in the table. `qemu-img check` says nothing.",
	  .steps =
		  "With one name and two ids, use the id. `qemu-img convert -l snapshot.id=N` "
		  "reads one out.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Snapshots\"; block/qcow2-snapshot.c, "
		  "find_snapshot_by_id_or_name()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_dup) },
	{ .id = "qcow2-snapshot-incomplete",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a snapshot without the size of its disk",
	  .why = "Version 3 wants it. QEMU takes the size that the disk has now, which is "
		 "wrong once the disk is resized, and `qemu-img check` fails.",
	  .steps =
		  "To create a snapshot and to delete it again makes QEMU write all entries "
		  "anew. Not after a resize.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Snapshots\"; "
		    "block/qcow2-snapshot.c, qcow2_check_read_snapshot_table()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_incomplete) },
	{ .id = "qcow2-snapshot-table",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "snapshots that cannot be where they are said to be",
	  .why = "QEMU refuses the image, or takes the snapshots' clusters for leaks: then "
		 "`qemu-img check -r leaks` frees them and punches their data out.",
	  .steps =
		  "Do not run `qemu-img check -r` on it. `vmend inspect` shows the entries; the "
		  "file may still have the L1 tables of the snapshots.",
	  .source =
		  "QEMU, docs/interop/qcow2.txt, \"Snapshots\"; block/qcow2-snapshot.c, "
		  "qcow2_do_read_snapshots()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_table, fix_table) },
};

RULES_END(qcow2_snapshot);
