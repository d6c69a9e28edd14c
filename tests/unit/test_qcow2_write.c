/* What a plan for the disk in a QCOW2 becomes in its file, for each state that a cluster can
 * be in; and that a plan which changes what was there is found out.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/guest.h"
#include "analyze/image/image.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"
#include "rewrite/qcow2_same.h"
#include "rewrite/qcow2_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define COPIED (UINT64_C(1) << 63)
#define PACKED (UINT64_C(1) << 62)

/* Clusters of the image, by what is in them. */
enum { HEADER, RT, BLOCK, L1, L2, DATA, DATA2, SNAPSHOTS, SNAPSHOT_L1, CLUSTERS };

struct bench {
	unsigned bits;  /* of a cluster */
	unsigned order; /* of refcounts */
	uint64_t cs;
	uint8_t *p;
	size_t size;
	bool extended;
	struct host host;
	struct source src, over;
	struct unit unit, after;
	struct arena arena;
	struct plan guest, host_plan;
	struct patch patch;
	bool reread;
};

static void put(struct bench *b, uint64_t off, size_t width, uint64_t v)
{
	assert_true(off + width <= b->size);
	for (size_t i = 0; i < width; i++)
		b->p[off + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static uint64_t at(const struct bench *b, uint64_t cluster)
{
	return cluster * b->cs;
}

static void refcount(struct bench *b, uint64_t cluster, uint64_t v)
{
	unsigned width = 1U << b->order;
	uint64_t bit = cluster * width;

	if (width >= 8) {
		put(b, at(b, BLOCK) + bit / 8, width / 8, v);
		return;
	}
	b->p[at(b, BLOCK) + bit / 8] |= (uint8_t)(v << bit % 8);
}

/* A disk of 64 clusters, of which the second one is allocated. */
static void build(struct bench *b, unsigned bits, unsigned order, bool extended)
{
	*b = (struct bench){ .bits = bits, .order = order, .extended = extended };
	b->cs = UINT64_C(1) << bits;
	b->size = CLUSTERS * b->cs;
	b->p = calloc(1, b->size);
	assert_non_null(b->p);
	arena_init(&b->arena, ARENA_BUDGET);
	memcpy(b->p, "QFI\xfb", 4);
	put(b, 4, 4, 3);
	put(b, 20, 4, bits);
	put(b, 24, 8, 64 * b->cs);
	put(b, 36, 4, 2);
	put(b, 40, 8, at(b, L1));
	put(b, 48, 8, at(b, RT));
	put(b, 56, 4, 1);
	put(b, 72, 8, extended ? 16 : 0);
	put(b, 96, 4, order);
	put(b, 100, 4, 112);
	put(b, at(b, RT), 8, at(b, BLOCK));
	for (uint64_t c = 0; c <= DATA; c++)
		refcount(b, c, 1);
	put(b, at(b, L1), 8, at(b, L2) | COPIED);
	put(b, at(b, L2) + (extended ? 16 : 8), 8, at(b, DATA) | COPIED);
	memset(b->p + at(b, DATA), 'd', b->cs);
}

static void entry(struct bench *b, uint64_t i, uint64_t v)
{
	put(b, at(b, L2) + i * (b->extended ? 16 : 8), 8, v);
}

static void grow(struct bench *b, uint64_t clusters)
{
	b->p = realloc(b->p, clusters * b->cs);
	assert_non_null(b->p);
	memset(b->p + b->size, 0, clusters * b->cs - b->size);
	b->size = clusters * b->cs;
}

/* One that has the same L2 table, and so all of its clusters. */
static void snapshot(struct bench *b)
{
	put(b, 60, 4, 1);
	put(b, 64, 8, at(b, SNAPSHOTS));
	put(b, at(b, SNAPSHOTS), 8, at(b, SNAPSHOT_L1));
	put(b, at(b, SNAPSHOTS) + 8, 4, 2);
	put(b, at(b, SNAPSHOTS) + 12, 2, 1);
	put(b, at(b, SNAPSHOTS) + 36, 4, 16);
	put(b, at(b, SNAPSHOTS) + 48, 8, 64 * b->cs);
	put(b, at(b, SNAPSHOTS) + 56, 1, '1');
	put(b, at(b, SNAPSHOT_L1), 8, at(b, L2));
	put(b, at(b, L1), 8, at(b, L2));
	entry(b, 1, at(b, DATA));
	refcount(b, SNAPSHOTS, 1);
	refcount(b, SNAPSHOT_L1, 1);
	refcount(b, L2, 2);
	refcount(b, DATA, 2);
}

static void open_bench(struct bench *b)
{
	b->src = source_of_bytes("disk.qcow2", (struct view){ b->p, b->size });
	unit_read(&b->unit, &b->src, format_find("qcow2"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	assert_non_null(b->unit.guest);
	assert_non_null(b->unit.image);
	b->guest = plan_on(b->unit.image->src, &b->arena);
	b->host_plan = plan_on(&b->unit.src, &b->arena);
}

static void edit(struct bench *b, uint64_t off, const char *text)
{
	assert_true(plan_bytes(&b->guest, STAGE_TABLES, off, str_bytes(str_of(text))));
}

static void end(struct bench *b)
{
	if (b->reread)
		unit_close(&b->after);
	unit_close(&b->unit);
	arena_free(&b->arena);
	free(b->p);
}

static const char *same(struct bench *b, enum fix_class reach)
{
	struct qcow2_same s = { .was = &b->unit,
				.is = &b->after,
				.host = &b->host_plan,
				.guest = &b->guest,
				.reach = reach,
				.arena = &b->arena };
	struct err e = { 0 };

	if (b->reread)
		unit_close(&b->after);
	b->patch = plan_patch(&b->host_plan, &b->arena);
	b->over = source_overlay(&b->src, &b->patch);
	unit_read(&b->after, &b->over, format_find("qcow2"), &b->host);
	b->reread = true;
	assert_int_equal(b->after.state, UNIT_READ);
	assert_int_equal(qcow2_same(&s, &e), 0);
	return s.why;
}

/* It can be written, nothing but it changes, and no table has a fault afterwards. */
static void lowered(struct bench *b)
{
	const char *why;

	if (!qcow2_write(&b->host_plan, &b->guest, &b->unit))
		fail_msg("refused: %s", b->host_plan.refused);
	why = same(b, FIX_SAFE);
	if (why)
		fail_msg("%s", why);
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (b->after.qcow2->scan->flaws[k].total)
			fail_msg("%s", qcow2_flaw_word((enum qcow2_flaw_kind)k));
	}
}

static uint64_t now(struct bench *b, uint64_t off)
{
	uint8_t raw[8];
	struct err e = { 0 };

	assert_int_equal(source_read(&b->over, off, raw, 8, &e), 0);
	return view_be64((struct view){ raw, 8 }, 0);
}

static uint64_t stored(struct bench *b, uint64_t cluster)
{
	struct err e = { 0 };
	uint64_t v;
	bool known;

	assert_int_equal(qcow2_stored(b->after.qcow2, cluster, &v, &known, &e), 0);
	return known ? v : 0;
}

static enum stage stage_at(const struct bench *b, uint64_t off)
{
	for (size_t i = 0; i < b->host_plan.edits.n; i++) {
		const struct edit *x = &b->host_plan.edits.v[i];

		if (off >= x->at.off && off < span_end(x->at))
			return x->stage;
	}
	fail_msg("nothing is written at 0x%llx", (unsigned long long)off);
	return STAGE_TABLES;
}

/* ---- what becomes of a cluster ---- */

static void a_cluster_of_its_own_is_written_in_place(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	edit(&b, b.cs + 10, "new");
	lowered(&b);
	assert_int_equal(b.host_plan.edits.n, 1);
	assert_int_equal(b.host_plan.edits.v[0].at.off, at(&b, DATA) + 10);
	assert_int_equal(b.host_plan.size, b.size);
	end(&b);
}

static void bytes_that_are_there_already_take_no_cluster(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	assert_true(plan_zero(&b.guest, STAGE_TABLES, 5 * b.cs, 100));
	lowered(&b);
	assert_int_equal(b.host_plan.edits.n, 0);
	end(&b);
}

static void what_is_not_allocated_gets_a_cluster(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	edit(&b, 3 * b.cs - 2, "abcd"); /* in two of them */
	lowered(&b);
	assert_int_equal(b.host_plan.size, b.size + 2 * b.cs);
	assert_int_equal(now(&b, at(&b, L2) + 16), at(&b, CLUSTERS) | COPIED);
	assert_int_equal(now(&b, at(&b, L2) + 24), at(&b, CLUSTERS + 1) | COPIED);
	assert_int_equal(stage_at(&b, at(&b, CLUSTERS + 1)), STAGE_TABLES);
	assert_int_equal(stage_at(&b, at(&b, L2) + 16), STAGE_HEADERS);
	assert_int_equal(stored(&b, CLUSTERS), 1);
	end(&b);
}

static void a_file_that_ends_within_a_cluster_is_filled_up(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	b.size -= 100;
	open_bench(&b);
	edit(&b, 2 * b.cs, "abcd");
	lowered(&b);
	assert_int_equal(now(&b, at(&b, L2) + 16), at(&b, CLUSTERS) | COPIED);
	end(&b);
}

static void a_table_that_is_missing_is_made(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	put(&b, 24, 8, 128 * b.cs); /* the second L1 entry is used, too */
	open_bench(&b);
	edit(&b, 100 * b.cs, "x");
	lowered(&b);
	assert_int_equal(b.host_plan.size, b.size + 2 * b.cs);
	assert_int_equal(stage_at(&b, at(&b, L1) + 8), STAGE_COMMIT);
	assert_true(now(&b, at(&b, L1) + 8) & COPIED);
	end(&b);
}

static void a_zero_cluster_gives_its_old_one_free(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	entry(&b, 1, at(&b, DATA) | COPIED | 1);
	open_bench(&b);
	edit(&b, b.cs, "x");
	lowered(&b);
	assert_int_equal(now(&b, at(&b, L2) + 8), at(&b, CLUSTERS) | COPIED);
	assert_int_equal(stored(&b, DATA), 0);
	assert_int_equal(stage_at(&b, at(&b, BLOCK) + 2 * DATA + 1), STAGE_FREE);
	end(&b);
}

static void what_a_snapshot_has_is_copied_with_its_table(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	snapshot(&b);
	open_bench(&b);
	edit(&b, b.cs + 5, "x");
	lowered(&b);
	assert_int_equal(b.host_plan.size, b.size + 2 * b.cs);
	assert_int_equal(now(&b, at(&b, L2) + 8), at(&b, DATA));
	assert_int_equal(stage_at(&b, at(&b, L1)), STAGE_COMMIT);
	assert_int_equal(stored(&b, L2), 1);
	assert_int_equal(stored(&b, DATA), 1);
	assert_int_equal(stage_at(&b, at(&b, BLOCK) + 2 * L2 + 1), STAGE_FREE);
	end(&b);
}

static void
a_compressed_cluster_is_unpacked_and_both_that_it_was_in_are_free(void **state)
{
	struct bench b;
	uint8_t *p;

	(void)state;
	build(&b, 9, 4, false);
	/* "stored", as deflate calls it: 512 bytes of 'z' in 517 */
	p = b.p + at(&b, DATA) + 100;
	memcpy(p, "\x01\x00\x02\xff\xfd", 5);
	memset(p + 5, 'z', 512);
	entry(&b, 1, PACKED | UINT64_C(1) << 61 | (at(&b, DATA) + 100));
	refcount(&b, DATA2, 1);
	open_bench(&b);
	edit(&b, b.cs + 5, "x");
	lowered(&b);
	assert_int_equal(now(&b, at(&b, CLUSTERS)), UINT64_C(0x7a7a7a7a7a787a7a));
	assert_int_equal(stored(&b, DATA), 0);
	assert_int_equal(stored(&b, DATA2), 0);
	end(&b);
}

static void a_refcount_block_that_is_missing_is_made(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	grow(&b, 256); /* as far as the first one reaches */
	open_bench(&b);
	edit(&b, 0, "x");
	lowered(&b);
	assert_int_equal(b.host_plan.size, at(&b, 258));
	assert_int_equal(stage_at(&b, at(&b, RT) + 8), STAGE_HEADERS);
	assert_int_equal(stage_at(&b, at(&b, L2)), STAGE_COMMIT);
	assert_int_equal(stored(&b, 256), 1);
	assert_int_equal(stored(&b, 257), 1);
	end(&b);
}

/* As in the second round of a repair, whose first one has made the block. */
static void what_a_block_counts_that_is_only_planned_comes_after_it(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	grow(&b, 258);
	put(&b, at(&b, RT) + 8, 8, at(&b, 257));
	put(&b, at(&b, 257) + 2, 2, 1);
	put(&b, at(&b, 257), 2, 1);
	entry(&b, 9, at(&b, 256) | COPIED);
	open_bench(&b);
	b.unit.src.mem.n = at(&b, 256);
	edit(&b, 0, "x");
	assert_true(qcow2_write(&b.host_plan, &b.guest, &b.unit));
	assert_int_equal(stage_at(&b, at(&b, L2)), STAGE_COMMIT);
	end(&b);
}

static void a_device_is_refused_when_it_would_have_to_grow(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	b.unit.src.st.st_mode = S_IFBLK;
	edit(&b, 0, "x");
	assert_false(qcow2_write(&b.host_plan, &b.guest, &b.unit));
	assert_non_null(strstr(b.host_plan.refused, "a device does not grow"));
	end(&b);
}

static void a_block_at_the_very_end_of_another_needs_one_more(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	grow(&b, 511); /* the last cluster of the second block, which is missing */
	open_bench(&b);
	edit(&b, 0, "x");
	lowered(&b);
	assert_int_equal(b.host_plan.size, at(&b, 514));
	for (uint64_t c = 511; c < 514; c++)
		assert_int_equal(stored(&b, c), 1);
	end(&b);
}

static void refcounts_of_one_bit_share_no_byte_with_older_ones(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 0, false);
	entry(&b, 1, at(&b, DATA) | COPIED | 1);
	open_bench(&b);
	edit(&b, b.cs, "x");
	lowered(&b);
	assert_int_equal(now(&b, at(&b, L2) + 8), at(&b, 16) | COPIED);
	assert_int_equal(stored(&b, DATA), 0);
	assert_int_equal(stored(&b, 16), 1);
	end(&b);
}

static void subclusters_are_allocated_where_the_cluster_is(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 14, 4, true);
	put(&b, at(&b, L2) + 24, 8, UINT64_C(1) << 34 | 1); /* 0 has data, 2 is zeros */
	open_bench(&b);
	edit(&b, b.cs + 510, "abcd"); /* subclusters of 512 bytes: 0 and 1 */
	edit(&b, b.cs + 1030, "e");   /* 2 */
	lowered(&b);
	assert_int_equal(b.host_plan.size, b.size);
	assert_int_equal(now(&b, at(&b, L2) + 24), 7);
	assert_int_equal(now(&b, at(&b, L2) + 16), at(&b, DATA) | COPIED);
	end(&b);
}

static void subclusters_that_are_not_written_stay_what_they_are(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 14, 4, true);
	put(&b, at(&b, L2) + 24, 8, 1);
	put(&b, at(&b, L2) + 40, 8, UINT64_C(0xf0) << 32); /* the third: zeros */
	open_bench(&b);
	edit(&b, 2 * b.cs + 512, "x");
	lowered(&b);
	assert_int_equal(now(&b, at(&b, L2) + 40), UINT64_C(0xf0) << 32 | 2);
	end(&b);
}

static void unknown_autoclear_features_are_cleared(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	put(&b, 88, 8, 0x10);
	open_bench(&b);
	edit(&b, b.cs, "x");
	lowered(&b);
	assert_int_equal(now(&b, 88), 0);
	end(&b);
}

/* ---- what is not written to ---- */

static void is_refused(struct bench *b, const char *expected)
{
	open_bench(b);
	edit(b, 0, "x");
	assert_false(qcow2_write(&b->host_plan, &b->guest, &b->unit));
	if (!b->host_plan.refused || !strstr(b->host_plan.refused, expected))
		fail_msg("\"%s\", not: %s", b->host_plan.refused, expected);
	end(b);
}

static void a_refcount_table_that_is_full_is_not_made_longer(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	grow(&b, 64 * 256);
	is_refused(&b, "refcount table would have to be larger");
}

static void dirty_and_corrupt_images_are_refused(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	put(&b, 72, 8, 1);
	is_refused(&b, "dirty");
	build(&b, 9, 4, false);
	put(&b, 72, 8, 2);
	is_refused(&b, "corrupt");
}

static void tables_with_faults_are_refused(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	refcount(&b, DATA, 0);
	is_refused(&b, "repaired first");
	build(&b, 9, 4, false);
	entry(&b, 7, at(&b, DATA) | COPIED); /* two of one cluster */
	is_refused(&b, "repaired first");
	build(&b, 9, 4, false);
	entry(&b, 7, at(&b, L2));
	is_refused(&b, "repaired first");
}

static void a_leak_does_no_harm(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	refcount(&b, DATA2, 1);
	open_bench(&b);
	edit(&b, 0, "x");
	assert_true(qcow2_write(&b.host_plan, &b.guest, &b.unit));
	assert_null(same(&b, FIX_SAFE));
	end(&b);
}

/* ---- the proof ---- */

static void plan64(struct bench *b, uint64_t off, uint64_t v)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < 8; i++)
		raw[i] = (uint8_t)(v >> (56 - 8 * i));
	assert_true(
		plan_bytes(&b->host_plan, STAGE_TABLES, off, (struct view){ raw, 8 }));
}

static void is_found_out(struct bench *b, const char *expected)
{
	const char *why = same(b, FIX_UNSAFE);

	if (!why || !strstr(why, expected))
		fail_msg("\"%s\", not: %s", why ? why : "believed", expected);
	end(b);
}

static void data_that_is_written_over_is_found_out(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	plan64(&b, at(&b, DATA) + 80, 0);
	is_found_out(&b, "byte 0x250 of the guest's disk would change");
}

static void a_pointer_that_is_lost_is_found_out(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	plan64(&b, at(&b, L1), 0);
	is_found_out(&b, "byte 0x200 of the guest's disk would change");
	build(&b, 9, 4, false);
	open_bench(&b);
	plan64(&b, at(&b, L2) + 8, at(&b, 100) | COPIED);
	is_found_out(&b, "could no longer be read");
}

static void a_snapshot_that_loses_data_is_found_out(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	snapshot(&b);
	open_bench(&b);
	plan64(&b, at(&b, SNAPSHOT_L1), 0);
	is_found_out(&b, "snapshot");
}

static void an_edit_that_gets_lost_is_found_out(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	open_bench(&b);
	edit(&b, b.cs + 3, "x");
	is_found_out(&b, "byte 0x203 of the guest's disk would change");
}

static void only_a_best_guess_may_bring_something_back(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	put(&b, at(&b, L1), 8, 0);
	open_bench(&b);
	plan64(&b, at(&b, L1), at(&b, L2) | COPIED);
	assert_null(same(&b, FIX_UNSAFE));
	assert_non_null(same(&b, FIX_SAFE));
	end(&b);
}

static void a_guess_does_not_replace_what_says_that_it_is_zeros(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	entry(&b, 1, at(&b, DATA) | COPIED | 1);
	open_bench(&b);
	plan64(&b, at(&b, L2) + 8, at(&b, DATA) | COPIED);
	is_found_out(&b, "byte 0x200 of the guest's disk would change");
}

static void a_cluster_may_be_elsewhere_with_the_same_bytes(void **state)
{
	struct bench b;

	(void)state;
	build(&b, 9, 4, false);
	memset(b.p + at(&b, DATA2), 'd', b.cs);
	open_bench(&b);
	plan64(&b, at(&b, L2) + 8, at(&b, DATA2));
	assert_null(same(&b, FIX_SAFE));
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cluster_of_its_own_is_written_in_place),
		cmocka_unit_test(bytes_that_are_there_already_take_no_cluster),
		cmocka_unit_test(what_is_not_allocated_gets_a_cluster),
		cmocka_unit_test(a_file_that_ends_within_a_cluster_is_filled_up),
		cmocka_unit_test(a_table_that_is_missing_is_made),
		cmocka_unit_test(a_zero_cluster_gives_its_old_one_free),
		cmocka_unit_test(what_a_snapshot_has_is_copied_with_its_table),
		cmocka_unit_test(
			a_compressed_cluster_is_unpacked_and_both_that_it_was_in_are_free),
		cmocka_unit_test(a_refcount_block_that_is_missing_is_made),
		cmocka_unit_test(a_block_at_the_very_end_of_another_needs_one_more),
		cmocka_unit_test(what_a_block_counts_that_is_only_planned_comes_after_it),
		cmocka_unit_test(a_device_is_refused_when_it_would_have_to_grow),
		cmocka_unit_test(refcounts_of_one_bit_share_no_byte_with_older_ones),
		cmocka_unit_test(subclusters_are_allocated_where_the_cluster_is),
		cmocka_unit_test(subclusters_that_are_not_written_stay_what_they_are),
		cmocka_unit_test(unknown_autoclear_features_are_cleared),
		cmocka_unit_test(a_refcount_table_that_is_full_is_not_made_longer),
		cmocka_unit_test(dirty_and_corrupt_images_are_refused),
		cmocka_unit_test(tables_with_faults_are_refused),
		cmocka_unit_test(a_leak_does_no_harm),
		cmocka_unit_test(data_that_is_written_over_is_found_out),
		cmocka_unit_test(a_pointer_that_is_lost_is_found_out),
		cmocka_unit_test(a_snapshot_that_loses_data_is_found_out),
		cmocka_unit_test(an_edit_that_gets_lost_is_found_out),
		cmocka_unit_test(only_a_best_guess_may_bring_something_back),
		cmocka_unit_test(a_guess_does_not_replace_what_says_that_it_is_zeros),
		cmocka_unit_test(a_cluster_may_be_elsewhere_with_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
