/* Rules on images: one cause makes one finding, its fix holds before other tools, and what
 * the table may not be is left alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "rewrite/prove.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rule.h"
#include "tests/lib/platter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { MIB = 1 << 20, DISK = 8 * MIB };

/* A disk, what the rules say about it, and its repair. */
struct bench {
	struct platter d;
	struct host host;
	struct unit unit;
	struct arena arena;
	struct findings found;
	struct mend mend;
};

static void bench_init(struct bench *b, uint32_t ss)
{
	*b = (struct bench){ 0 };
	platter_init(&b->d, DISK, ss);
	/* Partitions that no rule has a word against: at 1 and at 5 MiB. */
	platter_put_gpt(&b->d);
	for (int i = 0; i < 2; i++) {
		uint64_t array = platter_array_sectors(&b->d);
		uint64_t at = i ? platter_sectors(&b->d) - 1 - array : 2;
		uint64_t mib = MIB / ss;

		platter_put_partition(&b->d, at, 1, mib, 5 * mib - 1, "boot");
		platter_put_partition(&b->d, at, 2, 5 * mib, 7 * mib - 1, "root");
	}
	platter_seal(&b->d, platter_primary(&b->d));
	platter_seal(&b->d, platter_backup(&b->d));
}

static void bench_check(struct bench *b)
{
	arena_init(&b->arena, ARENA_BUDGET);
	platter_image(&b->d);
	unit_read(&b->unit, &b->d.src, format_find("raw"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	rules_run(&b->unit, &b->arena, &b->found);
}

static void bench_free(struct bench *b)
{
	unit_close(&b->unit);
	arena_free(&b->arena);
	platter_free(&b->d);
}

/* The ids of what was found, in the order of the report: "a b". */
static const char *ids(struct bench *b, const struct findings *f)
{
	const char *text = "";

	for (size_t i = 0; i < f->v.n; i++)
		text = arena_printf(&b->arena, "%s%s%s", text, i ? " " : "",
				    f->v.v[i]->rule->id);
	return text;
}

static void assert_found(struct bench *b, const char *expected)
{
	assert_string_equal(ids(b, &b->found), expected);
}

static void bench_mend(struct bench *b, enum fix_class level)
{
	struct mend_policy policy = { .level = level };
	struct err e = { 0 };

	assert_int_equal(mend_plan(&b->mend, &b->unit, &policy, &b->arena, &e), 0);
}

static void bench_mended(struct bench *b)
{
	mend_free(&b->mend);
	bench_free(b);
}

/* ---- one cause, one finding ---- */

static void lose_primary_header(struct bench *b)
{
	memset(platter_primary(&b->d), 0, b->d.ss);
}

static void lose_primary(struct bench *b)
{
	memset(platter_primary(&b->d), 0, b->d.ss + 16384);
}

static void lose_backup(struct bench *b)
{
	memset(platter_backup(&b->d), 0, b->d.ss);
}

static void lose_both(struct bench *b)
{
	lose_primary(b);
	lose_backup(b);
}

static void lose_sector_0(struct bench *b)
{
	memset(b->d.p, 0, b->d.ss);
}

static void lose_magic(struct bench *b)
{
	b->d.p[510] = 0;
}

static void lose_head(struct bench *b)
{
	lose_sector_0(b);
	lose_primary(b);
}

static void grow(struct bench *b)
{
	platter_resize(&b->d, 2 * (uint64_t)DISK);
}

static void grow_by_a_sector(struct bench *b)
{
	platter_resize(&b->d, DISK + b->d.ss);
}

static void cut(struct bench *b)
{
	platter_resize(&b->d, 6 * MIB);
}

static void scribble_on_primary(struct bench *b)
{
	memset(platter_primary(&b->d), 0x5a, b->d.ss + 16384);
}

static void scribble_on_backup(struct bench *b)
{
	memset(platter_backup(&b->d) - 16384, 0x5a, 16384);
}

static void change_backup(struct bench *b)
{
	platter_backup(&b->d)[56] ^= 1;
	platter_seal(&b->d, platter_backup(&b->d));
}

static void point_elsewhere(struct bench *b)
{
	put_le64(platter_primary(&b->d) + 32, 5);
	platter_seal(&b->d, platter_primary(&b->d));
}

/* fdisk of old: a DOS label over a GPT that it does not know. */
static void label_over_it(struct bench *b)
{
	memset(b->d.p + 446, 0, 64);
	platter_put_entry(b->d.p, 0, 0x83, 2048, 2048);
}

static void label_over_the_backup(struct bench *b)
{
	lose_primary(b);
	label_over_it(b);
}

static const struct {
	void (*damage)(struct bench *b);
	const char *found;
	bool mended; /* by safe fixes alone, and nothing is left */
} causes[] = {
	/* gpt-pieces is no other cause: it offers what can be done */
	{ lose_primary_header, "gpt-primary-corrupt", true },
	{ lose_primary, "gpt-primary-corrupt", true },
	{ lose_backup, "gpt-backup-corrupt", true },
	{ lose_both, "gpt-both-corrupt gpt-pieces", false },
	{ lose_sector_0, "pmbr-missing", true },
	{ lose_magic, "mbr-no-signature", true },
	{ lose_head, "gpt-primary-overwritten", false },
	{ grow, "gpt-grown", true },
	{ grow_by_a_sector, "gpt-grown", true },
	{ cut, "gpt-truncated", false },
	{ scribble_on_primary, "gpt-primary-overwritten", false },
	{ scribble_on_backup, "gpt-backup-overwritten", false },
	{ change_backup, "gpt-pieces gpt-disagree", false },
	{ point_elsewhere, "gpt-alt-lba", true },
	{ label_over_it, "mbr-stale-gpt", false },
	{ label_over_the_backup, "", false },
};

enum { NCAUSES = sizeof(causes) / sizeof(causes[0]) };

static void a_whole_disk_has_no_finding(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bench b;

		bench_init(&b, sizes[i]);
		bench_check(&b);
		assert_found(&b, "");
		bench_free(&b);
	}
}

static void one_cause_makes_one_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NCAUSES; i++) {
		struct bench b;

		bench_init(&b, i < NCAUSES ? 512 : 4096);
		causes[i % NCAUSES].damage(&b);
		bench_check(&b);
		assert_found(&b, causes[i % NCAUSES].found);
		bench_free(&b);
	}
}

static void safe_fixes_mend_what_can_be_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NCAUSES; i++) {
		struct bench b;

		bench_init(&b, i < NCAUSES ? 512 : 4096);
		causes[i % NCAUSES].damage(&b);
		bench_check(&b);
		bench_mend(&b, FIX_SAFE);
		assert_int_equal(b.mend.changed, causes[i % NCAUSES].mended);
		assert_string_equal(
			ids(&b, &b.mend.remaining),
			causes[i % NCAUSES].mended ? "" : causes[i % NCAUSES].found);
		bench_mended(&b);
	}
}

static void unsafe_fixes_bring_back_what_was_overwritten(void **state)
{
	static void (*const damages[])(struct bench *) = {
		lose_head,
		scribble_on_primary,
		scribble_on_backup,
		cut,
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bench b;

		bench_init(&b, 512);
		damages[i](&b);
		bench_check(&b);
		bench_mend(&b, FIX_UNSAFE);
		assert_string_equal(ids(&b, &b.mend.remaining), "");
		assert_int_equal(b.mend.plan.size, DISK);
		bench_mended(&b);
	}
}

/* ---- what is not ours ---- */

static void assert_untouched(struct bench *b)
{
	bench_mend(b, FIX_UNSAFE);
	assert_false(b->mend.changed);
	bench_mended(b);
}

static void a_file_system_on_the_whole_disk_is_not_overwritten(void **state)
{
	struct bench b;
	uint8_t *super;

	(void)state;
	bench_init(&b, 512);
	lose_primary(&b);
	super = b.d.p + 1024;
	put_le32(super, 2048);
	put_le32(super + 4, 8192);
	put_le16(super + 56, 0xef53);
	put_le32(super + 76, 1);
	bench_check(&b);
	assert_found(&b, "gpt-primary-overwritten");
	assert_untouched(&b);
}

static void data_at_the_end_of_a_grown_disk_is_not_overwritten(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	grow(&b);
	memset(b.d.p + b.d.size - 8192, 0xfc, 4);
	bench_check(&b);
	assert_found(&b, "gpt-grown");
	assert_untouched(&b);
}

static void a_disk_that_ends_within_a_sector_gets_no_backup(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	lose_backup(&b);
	platter_resize(&b.d, DISK + 100);
	bench_check(&b);
	assert_found(&b, "gpt-backup-corrupt img-size-512");
	assert_untouched(&b);
}

static void two_states_of_a_table_are_not_decided_safely(void **state)
{
	struct bench b;
	uint8_t *backup;

	(void)state;
	bench_init(&b, 512);
	backup = platter_backup(&b.d) - 16384;
	put_le64(backup + 128 + 40, 12000);
	platter_seal(&b.d, platter_backup(&b.d));
	platter_lba(&b.d, 2)[60] ^= 1; /* the primary's array no longer fits its header */
	bench_check(&b);
	assert_found(&b, "gpt-pieces gpt-primary-torn");
	bench_mend(&b, FIX_SAFE);
	assert_false(b.mend.changed);
	bench_mended(&b);
}

static void a_hybrid_mbr_keeps_its_entries(void **state)
{
	uint8_t before[64];
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	platter_put_entry(b.d.p, 0, 0xee, 1, 2047);
	platter_put_entry(b.d.p, 1, 0x83, 2048, 8192);
	memcpy(before, b.d.p + 446, 64);
	grow(&b);
	bench_check(&b);
	assert_found(&b, "pmbr-extra gpt-grown");
	bench_mend(&b, FIX_UNSAFE);
	assert_string_equal(ids(&b, &b.mend.remaining), "pmbr-extra");
	for (size_t i = 0; i < b.mend.plan.edits.n; i++)
		assert_true(b.mend.plan.edits.v[i].at.off >= 512);
	bench_mended(&b);
}

static void a_partition_is_never_written_to(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	/* Partition 2 reaches to the last sector, over the place of the backup. */
	put_le64(platter_lba(&b.d, 2) + 128 + 40, platter_sectors(&b.d) - 1);
	platter_seal(&b.d, platter_primary(&b.d));
	lose_backup(&b);
	bench_check(&b);
	/* The backup's entries are left, in which it does not. */
	assert_found(&b, "gpt-pieces gpt-outside-usable gpt-backup-corrupt");
	assert_untouched(&b);
}

static void a_wrecked_table_is_not_listed_to_its_end(void **state)
{
	size_t overlaps = 0;
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	for (unsigned n = 1; n <= 100; n++) {
		platter_put_partition(&b.d, 2, n, 2048, 4095, "");
		platter_put_partition(&b.d, platter_sectors(&b.d) - 33, n, 2048, 4095,
				      "");
	}
	platter_seal(&b.d, platter_primary(&b.d));
	platter_seal(&b.d, platter_backup(&b.d));
	bench_check(&b);
	for (size_t i = 0; i < b.found.v.n; i++)
		overlaps += strcmp(b.found.v.v[i]->rule->id, "gpt-overlap") == 0;
	assert_int_equal(overlaps, 64 + 1);
	assert_non_null(strstr(b.found.v.v[b.found.v.n - 1]->message, "from 66 on"));
	bench_free(&b);
}

/* ---- unique GUIDs ---- */

/* The findings end before the partitions do; the last one's fix has the rest. */
static void more_guids_than_are_listed_are_mended_at_once(void **state)
{
	struct bench b;

	(void)state;
	for (int zero = 0; zero < 2; zero++) {
		bench_init(&b, 512);
		for (unsigned n = 1; n <= 128; n++) {
			uint64_t at[] = { 2, platter_sectors(&b.d) - 33 };

			for (int i = 0; i < 2; i++) {
				uint8_t *e = platter_lba(&b.d, at[i]) + (n - 1) * 128;

				platter_put_partition(&b.d, at[i], n, 2048 + n * 8,
						      2048 + n * 8 + 7, "p");
				memset(e + 16, zero ? 0 : 0x11, 16);
			}
		}
		platter_seal(&b.d, platter_primary(&b.d));
		platter_seal(&b.d, platter_backup(&b.d));
		bench_check(&b);
		assert_non_null(strstr(ids(&b, &b.found), "gpt-part-guid-"));
		bench_mend(&b, FIX_UNSAFE);
		assert_null(strstr(ids(&b, &b.mend.remaining), "gpt-part-guid-"));
		bench_mended(&b);
	}
}

static void a_fresh_guid_is_of_version_4_and_the_same_each_time(void **state)
{
	struct gpt_entry e[2] = { { .number = 1 }, { .number = 2 } };
	struct gpt_table t = { .entry = e, .nentries = 2 };
	struct guid one = gpt_fresh_guid(&t, &e[0]), again = gpt_fresh_guid(&t, &e[0]);
	struct guid two = gpt_fresh_guid(&t, &e[1]), other;

	(void)state;
	assert_true(guid_eq(one, again));
	assert_false(guid_eq(one, two));
	assert_int_equal(one.b[7] & 0xf0, 0x40);
	assert_int_equal(one.b[8] & 0xc0, 0x80);
	e[1].guid = one; /* taken */
	other = gpt_fresh_guid(&t, &e[0]);
	assert_false(guid_eq(one, other));
}

/* ---- other tools ---- */

enum { OUTPUT_MAX = 4096 };

/* Runs a tool on a file; what it says, on either stream, is in out. False: there is no such
 * tool. */
static bool tool_says(const char *const *argv, char *out)
{
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		if (dup2(fds[1], 1) == 1 && dup2(fds[1], 2) == 2)
			execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	while ((got = read(fds[0], out + n, OUTPUT_MAX - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

static void write_disk(const struct source *s, const char *path)
{
	FILE *f = fopen(path, "wb");
	struct err e = { 0 };
	uint8_t *bytes = malloc(s->size);

	assert_non_null(f);
	assert_non_null(bytes);
	assert_int_equal(source_read(s, 0, bytes, s->size, &e), 0);
	assert_int_equal(fwrite(bytes, 1, s->size, f), s->size);
	assert_int_equal(fclose(f), 0);
	free(bytes);
}

static void assert_says(const char *tool, const char *option, const char *path,
			const char *expected)
{
	const char *const argv[] = { tool, option, path, NULL };
	char out[OUTPUT_MAX];

	if (!tool_says(argv, out)) {
		print_message("no %s here: its opinion is not asked\n", tool);
		return;
	}
	if (!strstr(out, expected))
		fail_msg("%s %s: %s", tool, option, out);
}

/* The partitions as sfdisk sees them, from the second line of a partition on; empty without
 * sfdisk. */
static void partitions_of(const char *path, char *out)
{
	const char *const argv[] = { "sfdisk", "-d", path, NULL };
	const char *first;

	if (!tool_says(argv, out)) {
		out[0] = '\0';
		return;
	}
	first = strstr(out, " : start=");
	assert_non_null(first);
	memmove(out, first, strlen(first) + 1);
}

static void other_tools_agree_with_what_was_mended(void **state)
{
	char path[] = "/tmp/vmend-test-XXXXXX", before[OUTPUT_MAX], after[OUTPUT_MAX];
	int fd = mkstemp(path);
	struct bench whole;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	bench_init(&whole, 512);
	bench_check(&whole);
	write_disk(&whole.unit.src, path);
	partitions_of(path, before);
	for (size_t i = 0; i < NCAUSES; i++) {
		struct bench b;

		bench_init(&b, 512);
		causes[i].damage(&b);
		bench_check(&b);
		bench_mend(&b, FIX_SAFE);
		if (b.mend.changed) {
			write_disk(&b.mend.last->src, path);
			assert_says("sgdisk", "-v", path, "No problems found");
			assert_says("sfdisk", "--verify", path, "No errors detected");
			partitions_of(path, after);
			assert_string_equal(after, before);
		}
		bench_mended(&b);
	}
	bench_free(&whole);
	unlink(path);
}

/* ---- the image as a file ---- */

static void bench_check_again(struct bench *b)
{
	b->found = (struct findings){ 0 };
	rules_run(&b->unit, &b->arena, &b->found);
}

static void a_writer_is_noted_as_img_locked_writer(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	bench_check(&b);
	b.unit.locks = (struct lock_state){ .known = true, .used = 1 << 0 };
	bench_check_again(&b);
	assert_found(&b, ""); /* a reader */
	b.unit.locks.used |= 1 << 1;
	bench_check_again(&b);
	assert_found(&b, "img-locked-writer");
	assert_non_null(strstr(b.found.v.v[0]->message, "QEMU"));
	b.unit.locks = (struct lock_state){ .known = true, .whole_file = true };
	bench_check_again(&b);
	assert_found(&b, "img-locked-writer");
	assert_non_null(strstr(b.found.v.v[0]->message, "Cloud Hypervisor"));
	bench_free(&b);
}

static void a_loop_device_is_noted_as_img_loop_attached(void **state)
{
	struct loop_device loop = { .name = "loop3" };
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	bench_check(&b);
	b.unit.loop = &loop;
	bench_check_again(&b);
	assert_found(&b, "img-loop-attached");
	assert_non_null(strstr(b.found.v.v[0]->message, "/dev/loop3"));
	bench_free(&b);
}

static void an_armed_journal_is_img_repair_unfinished(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 512);
	bench_check(&b);
	b.unit.journal = JOURNAL_DONE;
	bench_check_again(&b);
	assert_found(&b, "");
	b.unit.journal = JOURNAL_ARMED;
	bench_check_again(&b);
	assert_found(&b, "img-repair-unfinished");
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_disk_has_no_finding),
		cmocka_unit_test(one_cause_makes_one_finding),
		cmocka_unit_test(safe_fixes_mend_what_can_be_told),
		cmocka_unit_test(unsafe_fixes_bring_back_what_was_overwritten),
		cmocka_unit_test(a_file_system_on_the_whole_disk_is_not_overwritten),
		cmocka_unit_test(data_at_the_end_of_a_grown_disk_is_not_overwritten),
		cmocka_unit_test(a_disk_that_ends_within_a_sector_gets_no_backup),
		cmocka_unit_test(two_states_of_a_table_are_not_decided_safely),
		cmocka_unit_test(a_hybrid_mbr_keeps_its_entries),
		cmocka_unit_test(a_partition_is_never_written_to),
		cmocka_unit_test(a_wrecked_table_is_not_listed_to_its_end),
		cmocka_unit_test(more_guids_than_are_listed_are_mended_at_once),
		cmocka_unit_test(a_fresh_guid_is_of_version_4_and_the_same_each_time),
		cmocka_unit_test(other_tools_agree_with_what_was_mended),
		cmocka_unit_test(a_writer_is_noted_as_img_locked_writer),
		cmocka_unit_test(a_loop_device_is_noted_as_img_loop_attached),
		cmocka_unit_test(an_armed_journal_is_img_repair_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
