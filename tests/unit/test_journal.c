/* The journal's bytes: written as SPEC.md says, and not believed when they are not.
 * The writer of bad journals here is this file's own, so that no check is tested with the
 * code that it guards.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "base/crc32.h"
#include "rewrite/journal.h"

#include <errno.h>

#include "base/banned.h"

#define NAME    "d.raw"
#define JOURNAL NAME JOURNAL_SUFFIX

static const char *target(struct scratch *s)
{
	return scratch_path(s, NAME);
}

static int open_journal(struct scratch *s, struct journal *j, bool create, bool *found)
{
	return journal_open(j, target(s), FORMAT_IMAGE, create, found, &s->arena,
			    &s->err);
}

static enum journal_state look(struct scratch *s)
{
	return journal_look(target(s), FORMAT_IMAGE);
}

/* Two records of 700 and 20 bytes. */
static struct journal_entry an_entry(struct scratch *s, uint32_t seed)
{
	struct journal_record *r = arena_array(&s->arena, 2, struct journal_record);

	r[0] = (struct journal_record){ .off = 1000,
					.old_len = 700,
					.new_len = 700,
					.stage = STAGE_TABLES,
					.old = scratch_bytes(s, 700, seed),
					.new = scratch_bytes(s, 700, seed + 1) };
	r[1] = (struct journal_record){ .off = 500,
					.old_len = 20,
					.new_len = 20,
					.stage = STAGE_COMMIT,
					.old = scratch_bytes(s, 20, seed + 2),
					.new = scratch_bytes(s, 20, seed + 3) };
	return (struct journal_entry){ .size_before = IMAGE_SIZE,
				       .size_after = IMAGE_GROWN,
				       .time = 1234567890,
				       .id = 0x1122334455667788,
				       .head_crc = 0xcafe1234,
				       .records = r,
				       .n = 2 };
}

static void arm(struct scratch *s, uint32_t seed, bool done)
{
	struct journal_entry t = an_entry(s, seed);
	struct journal j;

	assert_int_equal(open_journal(s, &j, true, NULL), 0);
	assert_int_equal(journal_arm(&j, &t, &s->err), 0);
	if (done)
		assert_int_equal(journal_mark(&j, true, &s->err), 0);
	journal_close(&j);
}

static int setup(void **state)
{
	scratch_setup(state);
	scratch_write(*state, NAME, scratch_bytes(*state, IMAGE_SIZE, 1));
	return 0;
}

/* ---- what is written is read ---- */

static void what_is_armed_is_read_again(void **state)
{
	struct scratch *s = *state;
	struct journal_entry t = an_entry(s, 7);
	struct journal j;
	uint8_t buf[700];

	arm(s, 7, false);
	assert_int_equal(look(s), JOURNAL_ARMED);
	assert_int_equal(open_journal(s, &j, false, NULL), 0);
	assert_int_equal(j.count, 1);
	assert_false(j.last.done);
	assert_int_equal(j.last.size_before, IMAGE_SIZE);
	assert_int_equal(j.last.size_after, IMAGE_GROWN);
	assert_int_equal(j.last.time, 1234567890);
	assert_int_equal(j.last.id, 0x1122334455667788);
	assert_int_equal(j.last.head_crc, 0xcafe1234);
	assert_int_equal(j.last.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct journal_record *r = &j.last.records[i];

		assert_int_equal(r->off, t.records[i].off);
		assert_int_equal(r->stage, t.records[i].stage);
		assert_int_equal(r->old_len, t.records[i].old.n);
		assert_int_equal(
			journal_bytes(&j, r, JOURNAL_OLD, 0, buf, r->old_len, &s->err),
			0);
		assert_memory_equal(buf, t.records[i].old.p, r->old_len);
		assert_int_equal(
			journal_bytes(&j, r, JOURNAL_NEW, 0, buf, r->new_len, &s->err),
			0);
		assert_memory_equal(buf, t.records[i].new.p, r->new_len);
	}
	assert_int_equal(journal_verify(&j, &s->err), 0);
	journal_close(&j);
}

static void past_a_records_end_are_zeros(void **state)
{
	struct scratch *s = *state;
	struct journal j;
	uint8_t buf[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };

	arm(s, 7, false);
	assert_int_equal(open_journal(s, &j, false, NULL), 0);
	assert_int_equal(
		journal_bytes(&j, &j.last.records[1], JOURNAL_OLD, 16, buf, 8, &s->err),
		0);
	assert_memory_equal(buf, an_entry(s, 7).records[1].old.p + 16, 4);
	assert_true(view_is_zero((struct view){ buf + 4, 4 }));
	assert_int_equal(
		journal_bytes(&j, &j.last.records[1], JOURNAL_OLD, 99, buf, 8, &s->err),
		0);
	assert_true(view_is_zero((struct view){ buf, 8 }));
	journal_close(&j);
}

static void transactions_stack_and_pop(void **state)
{
	struct scratch *s = *state;
	struct journal j;

	arm(s, 10, true);
	arm(s, 20, true);
	arm(s, 30, false);
	assert_int_equal(open_journal(s, &j, false, NULL), 0);
	assert_int_equal(j.count, 3);
	assert_int_equal(journal_pop(&j, &s->err), 0);
	assert_int_equal(j.count, 2);
	assert_true(j.last.done);
	assert_int_equal(j.last.records[0].crc_old,
			 crc32_of(an_entry(s, 20).records[0].old));
	assert_int_equal(journal_pop(&j, &s->err), 0);
	assert_int_equal(j.last.records[0].crc_old,
			 crc32_of(an_entry(s, 10).records[0].old));
	assert_int_equal(journal_pop(&j, &s->err), 0);
	assert_int_equal(j.count, 0);
	assert_false(scratch_has(s, JOURNAL));
	journal_close(&j);
}

static void its_bytes_are_as_specified(void **state)
{
	struct scratch *s = *state;
	struct view v;

	arm(s, 7, true);
	v = scratch_read(s, JOURNAL);
	assert_int_equal(v.n, 512 + 80 + 2 * 40 + 2 * 720);
	assert_true(view_eq(v, 0, "VMEND-UNDO\r\n\x1a\n\0", 16));
	assert_int_equal(view_le32(v, 16), 1);
	assert_int_equal(view_le32(v, 20), 512);
	assert_int_equal(view_le32(v, 24), 1);
	assert_int_equal(view_le32(v, 56), 5);
	assert_true(view_eq(v, 64, NAME, 6));
	assert_int_equal(view_le32(v, 508), crc32_of(view_cut(v, 0, 508)));
	assert_true(view_eq(v, 512, "vmend-txdone\0\0\0", 16));
	assert_int_equal(view_le64(v, 512 + 24), 80 + 2 * 40 + 2 * 720);
	assert_int_equal(view_le32(v, 512 + 56), 2);
	assert_int_equal(view_le32(v, 512 + 64), crc32_of(view_cut(v, 592, 80)));
	assert_int_equal(view_le64(v, 592), 1000);
	assert_int_equal(view_le32(v, 592 + 28), crc32_of(an_entry(s, 7).records[0].old));
	assert_int_equal(view_le64(v, 632), 500);
	assert_int_equal(view_le32(v, 632 + 24), 2);
	assert_memory_equal(v.p + 672, an_entry(s, 7).records[0].old.p, 700);
	assert_memory_equal(v.p + 672 + 700, an_entry(s, 7).records[0].new.p, 700);
}

/* ---- torn and rotten ---- */

static void put_state(uint8_t *tx, const char *word)
{
	memset(tx + 8, 0, 8);
	memcpy(tx + 8, word, strlen(word));
}

static uint8_t *copy(struct scratch *s, struct view v)
{
	uint8_t *p = arena_alloc(&s->arena, v.n, 1);

	memcpy(p, v.p, v.n);
	return p;
}

/* A first repair that is done, and then the bytes of a second. */
static void what_was_never_armed_is_ignored_at_every_length(void **state)
{
	struct scratch *s = *state;
	size_t first;
	struct view v;
	uint8_t *p;

	arm(s, 10, true);
	first = scratch_read(s, JOURNAL).n;
	arm(s, 20, false);
	v = scratch_read(s, JOURNAL);
	p = copy(s, v);
	put_state(p + first, "writing");
	for (size_t n = first; n <= v.n; n++) {
		struct journal j;

		scratch_write(s, JOURNAL, (struct view){ p, n });
		assert_int_equal(look(s), JOURNAL_DONE);
		assert_int_equal(open_journal(s, &j, false, NULL), 0);
		assert_int_equal(j.count, 1);
		assert_int_equal(j.end, first);
		journal_close(&j);
	}
}

static void the_place_of_a_torn_one_is_used_again(void **state)
{
	struct scratch *s = *state;
	struct view v;
	uint8_t *p;
	size_t first;

	arm(s, 10, true);
	first = scratch_read(s, JOURNAL).n;
	arm(s, 20, false);
	v = scratch_read(s, JOURNAL);
	/* What is left over looks like a transaction right behind the next one. */
	p = arena_alloc(&s->arena, 2 * v.n, 1);
	memcpy(p, v.p, v.n);
	memcpy(p + v.n, v.p + first, v.n - first);
	put_state(p + first, "writing");
	scratch_write(s, JOURNAL, (struct view){ p, 2 * v.n });
	arm(s, 30, false);
	assert_int_equal(scratch_read(s, JOURNAL).n, v.n);
	assert_int_equal(look(s), JOURNAL_ARMED);
}

static void an_armed_one_that_is_cut_short_is_damage(void **state)
{
	struct scratch *s = *state;
	struct journal j;
	struct view v;

	arm(s, 7, false);
	v = scratch_read(s, JOURNAL);
	for (size_t n = 512 + 16; n < v.n; n++) {
		scratch_write(s, JOURNAL, (struct view){ v.p, n });
		assert_int_equal(look(s), JOURNAL_DAMAGED);
		assert_int_equal(open_journal(s, &j, false, NULL), -1);
		assert_int_equal(s->err.code, ERR_PARSE);
	}
}

static bool is_believed(struct scratch *s)
{
	struct journal j;
	bool believed;

	if (open_journal(s, &j, false, NULL) != 0)
		return false;
	believed = j.count == 1 && journal_verify(&j, &s->err) == 0;
	/* Not believed, and not seen as damaged either: an undo would be lost in silence. */
	assert_int_equal(j.count, 1);
	journal_close(&j);
	return believed;
}

static void every_rotten_bit_is_noticed(void **state)
{
	struct scratch *s = *state;
	struct view v;
	uint8_t *p;

	arm(s, 7, false);
	v = scratch_read(s, JOURNAL);
	p = copy(s, v);
	for (size_t i = 0; i < v.n; i++) {
		p[i] ^= (uint8_t)(1u << i % 8);
		scratch_write(s, JOURNAL, (struct view){ p, v.n });
		if (is_believed(s))
			fail_msg("byte %zu is not protected", i);
		p[i] = v.p[i];
	}
	scratch_write(s, JOURNAL, v);
	assert_true(is_believed(s));
}

static void nothing_follows_an_unfinished_one(void **state)
{
	struct scratch *s = *state;
	struct journal j;
	struct view v;
	uint8_t *p;

	arm(s, 10, true);
	arm(s, 20, true);
	v = scratch_read(s, JOURNAL);
	p = copy(s, v);
	put_state(p + 512, "armed");
	scratch_write(s, JOURNAL, (struct view){ p, v.n });
	assert_int_equal(look(s), JOURNAL_DAMAGED);
	assert_int_equal(open_journal(s, &j, false, NULL), -1);
	assert_int_equal(s->err.code, ERR_PARSE);
}

static void an_empty_or_zeroed_file_is_a_new_journal(void **state)
{
	struct scratch *s = *state;
	uint8_t *zeros = arena_alloc(&s->arena, 512, 1);
	bool found;
	struct journal j;

	for (size_t n = 0; n <= 512; n += 256) {
		scratch_write(s, JOURNAL, (struct view){ zeros, n });
		assert_int_equal(look(s), JOURNAL_NONE);
		assert_int_equal(open_journal(s, &j, false, &found), 0);
		assert_true(found);
		assert_int_equal(j.count, 0);
		journal_close(&j);
		arm(s, 7, false);
		assert_int_equal(look(s), JOURNAL_ARMED);
	}
}

static void a_missing_journal_is_not_made_by_looking(void **state)
{
	struct scratch *s = *state;
	struct journal j;
	bool found = true;

	assert_int_equal(look(s), JOURNAL_NONE);
	assert_int_equal(open_journal(s, &j, false, &found), 0);
	assert_false(found);
	assert_int_equal(scratch_count(s), 1);
}

/* ---- hostile ---- */

struct craft {
	uint64_t size_before, size_after, off[2], old_len[2], new_len[2], total;
	uint32_t stage[2], n, version, kind;
};

/* Right checksums everywhere, whatever the numbers are. */
static void craft(struct scratch *s, const struct craft *c)
{
	enum { TABLE = 2 * 40, DATA = 4096, LEAST = 304 };
	uint8_t *b = arena_alloc(&s->arena, 512 + 80 + TABLE + DATA, 1), *tx = b + 512;
	uint8_t *table = tx + 80;

	memcpy(b, "VMEND-UNDO\r\n\x1a\n", 14);
	put_le32(b + 16, c->version);
	put_le32(b + 20, 512);
	put_le32(b + 24, c->kind);
	put_le32(b + 508, crc32_of((struct view){ b, 508 }));
	for (size_t i = 0; i < 2; i++) {
		put_le64(table + i * 40, c->off[i]);
		put_le64(table + i * 40 + 8, c->old_len[i]);
		put_le64(table + i * 40 + 16, c->new_len[i]);
		put_le32(table + i * 40 + 24, c->stage[i]);
	}
	memcpy(tx, "vmend-tx", 8);
	put_le64(tx + 24, c->total);
	put_le64(tx + 32, c->size_before);
	put_le64(tx + 40, c->size_after);
	put_le32(tx + 56, c->n);
	put_le32(tx + 64,
		 crc32_of((struct view){ table, (size_t)40 * (c->n < 2 ? c->n : 2) }));
	put_le32(tx + 76, crc32_of((struct view){ tx, 76 }));
	put_state(tx, "armed");
	scratch_write(s, JOURNAL,
		      (struct view){
			      b, 512 + (size_t)u64_max(LEAST, u64_min(c->total, DATA)) });
}

static const struct craft sound = { .size_before = 1000,
				    .size_after = 1100,
				    .off = { 100, 990 },
				    .old_len = { 50, 10 },
				    .new_len = { 50, 30 },
				    .total = 80 + 80 + 144,
				    .stage = { 0, 2 },
				    .n = 2,
				    .version = 1,
				    .kind = 1 };

static void must_refuse(struct scratch *s, const struct craft *c)
{
	struct journal j;

	craft(s, c);
	if (open_journal(s, &j, false, NULL) == 0)
		fail_msg("total %llu, count %zu is believed",
			 (unsigned long long)c->total, j.count);
	assert_true(s->err.code == ERR_PARSE || s->err.code == ERR_LIMIT ||
		    s->err.code == ERR_UNSUPPORTED);
}

static void a_crafted_journal_that_is_sound_is_read(void **state)
{
	struct scratch *s = *state;
	struct journal j;

	craft(s, &sound);
	if (open_journal(s, &j, false, NULL) != 0)
		fail_msg("%s", s->err.msg);
	assert_int_equal(j.last.n, 2);
	journal_close(&j);
}

static void records_outside_the_target_are_refused(void **state)
{
	struct craft c = sound;

	c.off[1] = 1090; /* behind the new end */
	must_refuse(*state, &c);
	c = sound;
	c.off[0] = UINT64_MAX - 10;
	must_refuse(*state, &c);
	c = sound;
	c.old_len[1] = 30; /* old bytes behind the old end: undo would write them */
	must_refuse(*state, &c);
	c = sound;
	c.size_after = 900; /* an image never shrinks */
	must_refuse(*state, &c);
}

static void records_that_disagree_are_refused(void **state)
{
	struct craft c = sound;

	c.old_len[0] = 40; /* neither the new length nor cut by the old end */
	must_refuse(*state, &c);
	c = sound;
	c.off[1] = 140; /* overlaps the first */
	c.old_len[1] = 30;
	must_refuse(*state, &c);
	c = sound;
	c.stage[0] = 2; /* not in the order of stages */
	c.stage[1] = 0;
	must_refuse(*state, &c);
	c = sound;
	c.stage[1] = 3;
	must_refuse(*state, &c);
	c = sound;
	c.new_len[0] = c.old_len[0] = 0;
	must_refuse(*state, &c);
}

static void lengths_that_do_not_add_up_are_refused(void **state)
{
	struct craft c = sound;

	c.total = 80 + 80 + 144 + 8;
	must_refuse(*state, &c);
	c.total = 80 + 80 + 144 - 8;
	must_refuse(*state, &c);
	c.total = 81;
	must_refuse(*state, &c);
	c.total = 8;
	must_refuse(*state, &c);
	c.total = UINT64_MAX - 7;
	must_refuse(*state, &c);
	c = sound;
	c.new_len[0] = c.old_len[0] = UINT64_MAX - 50;
	must_refuse(*state, &c);
}

static void a_count_that_does_not_fit_costs_no_memory(void **state)
{
	struct scratch *s = *state;
	struct craft c = sound;
	size_t used = s->arena.used;

	c.n = UINT32_MAX;
	must_refuse(s, &c);
	assert_true(s->arena.used - used < 64 << 10);
}

static void other_versions_and_kinds_are_refused(void **state)
{
	struct scratch *s = *state;
	struct craft c = sound;

	c.version = 3;
	must_refuse(s, &c);
	assert_int_equal(s->err.code, ERR_UNSUPPORTED);
	assert_int_equal(look(s), JOURNAL_DAMAGED);
	c = sound;
	c.kind = 2;
	must_refuse(s, &c);
}

static void a_journal_with_another_name_too_is_not_ours(void **state)
{
	struct scratch *s = *state;
	struct journal j;

	arm(s, 7, true);
	assert_int_equal(link(scratch_path(s, JOURNAL), scratch_path(s, "other")), 0);
	assert_int_equal(open_journal(s, &j, true, NULL), -1);
	assert_int_equal(s->err.code, ERR_PARSE);
}

static void a_fifo_with_the_journals_name_does_not_hang(void **state)
{
	struct scratch *s = *state;
	struct journal j;

	assert_int_equal(mkfifo(scratch_path(s, JOURNAL), 0600), 0);
	assert_int_equal(open_journal(s, &j, true, NULL), -1);
	assert_int_equal(look(s), JOURNAL_DAMAGED);
}

/* ---- where ---- */

static const char *path_for(struct scratch *s, const char *name, enum format_kind kind)
{
	scratch_write(s, name, scratch_text("x"));
	return journal_path(scratch_path(s, name), kind, &s->arena, &s->err);
}

static void an_images_journal_is_beside_the_real_file(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdir(scratch_path(s, "vm"), 0700), 0);
	scratch_write(s, "vm/x.img", scratch_text("x"));
	assert_int_equal(symlink("vm/x.img", scratch_path(s, "link")), 0);
	assert_string_equal(
		journal_path(scratch_path(s, "link"), FORMAT_IMAGE, &s->arena, &s->err),
		scratch_path(s, "vm/x.img.vmend-undo"));
}

static void texts_with_like_names_have_journals_of_their_own(void **state)
{
	struct scratch *s = *state;
	const char *a, *b, *last;

	assert_int_equal(mkdir(scratch_path(s, "a"), 0700), 0);
	a = path_for(s, "a/b", FORMAT_TEXT);
	b = path_for(s, "a%2Fb", FORMAT_TEXT);
	assert_string_not_equal(a, b);
	last = strrchr(b, '/') + 1;
	assert_non_null(strstr(last, "a%252Fb.vmend-undo"));
	assert_int_equal(strncmp(b, scratch_path(s, "state/vmend/undo/%2F"),
				 strlen(scratch_path(s, "state/vmend/undo/%2F"))),
			 0);
}

static void a_long_path_is_cut_into_folders(void **state)
{
	struct scratch *s = *state;
	char part[200], name[700];
	const char *path, *slash;
	struct journal j;

	memset(part, 'x', sizeof(part));
	snprintf(name, sizeof(name), "%.190s", part);
	assert_int_equal(mkdir(scratch_path(s, name), 0700), 0);
	snprintf(name, sizeof(name), "%.190s/%.190s", part, part);
	path = path_for(s, name, FORMAT_TEXT);
	for (const char *p = path; (slash = strchr(p, '/')); p = slash + 1)
		assert_true(slash - p <= 255);
	assert_true(strlen(strrchr(path, '/')) <= 255);
	assert_int_equal(journal_open(&j, scratch_path(s, name), FORMAT_TEXT, true, NULL,
				      &s->arena, &s->err),
			 0);
	journal_close(&j);
	assert_int_equal(access(path, F_OK), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_armed_is_read_again),
		T(past_a_records_end_are_zeros),
		T(transactions_stack_and_pop),
		T(its_bytes_are_as_specified),
		T(what_was_never_armed_is_ignored_at_every_length),
		T(the_place_of_a_torn_one_is_used_again),
		T(an_armed_one_that_is_cut_short_is_damage),
		T(every_rotten_bit_is_noticed),
		T(nothing_follows_an_unfinished_one),
		T(an_empty_or_zeroed_file_is_a_new_journal),
		T(a_missing_journal_is_not_made_by_looking),
		T(a_crafted_journal_that_is_sound_is_read),
		T(records_outside_the_target_are_refused),
		T(records_that_disagree_are_refused),
		T(lengths_that_do_not_add_up_are_refused),
		T(a_count_that_does_not_fit_costs_no_memory),
		T(other_versions_and_kinds_are_refused),
		T(a_journal_with_another_name_too_is_not_ours),
		T(a_fifo_with_the_journals_name_does_not_hang),
		T(an_images_journal_is_beside_the_real_file),
		T(texts_with_like_names_have_journals_of_their_own),
		T(a_long_path_is_cut_into_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
