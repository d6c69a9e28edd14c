/* Repairs on real files, and their undo.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "base/banned.h"

static int repair(struct scratch *s, const char *name, bool grow)
{
	struct source src;
	struct plan p;
	int rc;

	assert_int_equal(source_open(&src, scratch_path(s, name), SOURCE_WRITE, &s->err),
			 0);
	p = scratch_plan(&src, &s->arena, grow);
	rc = apply_image(&src, &p, &s->err);
	source_close(&src);
	return rc;
}

static struct view repaired(struct scratch *s, struct view before, bool grow)
{
	struct source src = source_of_bytes("x", before);
	struct plan p = scratch_plan(&src, &s->arena, grow);

	return scratch_after(s, before, &p);
}

/* One edit of its own. */
static int patch(struct scratch *s, const char *name, uint64_t off, struct view v)
{
	struct source src;
	struct plan p;
	int rc;

	assert_int_equal(source_open(&src, scratch_path(s, name), SOURCE_WRITE, &s->err),
			 0);
	p = plan_on(&src, &s->arena);
	assert_true(plan_bytes(&p, STAGE_TABLES, off, v));
	rc = apply_image(&src, &p, &s->err);
	source_close(&src);
	return rc;
}

static void poke(struct scratch *s, const char *name, off_t off, const char *bytes)
{
	int fd = open(scratch_path(s, name), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), off), (ssize_t)strlen(bytes));
	close(fd);
}

static int undo(struct scratch *s, const char *name, struct undo_result *r)
{
	return undo_last(scratch_path(s, name), true, NULL, r, &s->err);
}

/* ---- images ---- */

static void an_image_is_repaired_and_undone(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 1);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", false), 0);
	assert_holds(s, "d.raw", repaired(s, before, false));
	assert_int_equal(journal_look(scratch_path(s, "d.raw"), FORMAT_IMAGE),
			 JOURNAL_DONE);
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_holds(s, "d.raw", before);
	assert_int_equal(r.ranges, 4);
	assert_int_equal(r.bytes, 4 + 92 + 1500 + 30);
	assert_false(r.was_unfinished);
	assert_int_equal(r.left, 0);
	assert_int_equal(scratch_count(s), 1);
}

static void growth_is_taken_back_with_the_rest(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 2);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", true), 0);
	assert_holds(s, "d.raw", repaired(s, before, true));
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_holds(s, "d.raw", before);
}

static void bytes_that_are_there_already_leave_no_journal(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 3);

	scratch_write(s, "d.raw", before);
	assert_int_equal(patch(s, "d.raw", 100, view_cut(before, 100, 50)), 0);
	assert_int_equal(scratch_count(s), 1);
}

static void repairs_are_taken_back_in_reverse(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 4);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(patch(s, "d.raw", 458, scratch_text("one")), 0);
	assert_int_equal(patch(s, "d.raw", 459, scratch_text("two")), 0);
	assert_int_equal(patch(s, "d.raw", 460, scratch_text("three")), 0);
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_int_equal(r.left, 2);
	assert_true(view_eq(scratch_read(s, "d.raw"), 458, "otwo", 4));
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_int_equal(r.left, 1);
	assert_true(view_eq(scratch_read(s, "d.raw"), 458, "one", 3));
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_int_equal(r.left, 0);
	assert_holds(s, "d.raw", before);
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
}

static void a_range_that_others_changed_is_not_undone(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	struct view changed;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 5));
	assert_int_equal(repair(s, "d.raw", false), 0);
	poke(s, "d.raw", 10000, "guest");
	changed = scratch_read(s, "d.raw");
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_non_null(strstr(s->err.msg, "bytes 0x2328 to 0x2903"));
	assert_holds(s, "d.raw", changed);
	assert_true(scratch_has(s, "d.raw.vmend-undo"));
}

static void a_half_old_range_of_a_finished_repair_is_not_ours(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 6);
	struct undo_result r;
	char sector[513] = { 0 };

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", false), 0);
	memcpy(sector, before.p + 9216, 512);
	for (int i = 0; i < 512; i++)
		sector[i] = sector[i] ? sector[i] : 1;
	poke(s, "d.raw", 9216, sector);
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
}

static void writes_elsewhere_do_not_hinder_undo(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 7);
	struct undo_result r;
	uint8_t *want;

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", false), 0);
	poke(s, "d.raw", 12000, "guest");
	assert_int_equal(undo(s, "d.raw", &r), 0);
	want = arena_alloc(&s->arena, before.n, 1);
	memcpy(want, before.p, before.n);
	memcpy(want + 12000, "guest", 5);
	assert_holds(s, "d.raw", (struct view){ want, before.n });
}

/* The four bytes of a protective MBR's size are the same on every disk of that size. */
static void another_image_with_the_same_ranges_is_refused(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 8), other;
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(patch(s, "d.raw", 458, scratch_text("SIZE")), 0);
	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 9));
	poke(s, "d.raw", 458, "SIZE");
	other = scratch_read(s, "d.raw");
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_non_null(strstr(s->err.msg, "not the image that was repaired"));
	assert_holds(s, "d.raw", other);
}

static void a_moved_image_takes_its_journal_along(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 10);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", true), 0);
	scratch_write(s, "e.raw", scratch_read(s, "d.raw"));
	assert_int_equal(rename(scratch_path(s, "d.raw.vmend-undo"),
				scratch_path(s, "e.raw.vmend-undo")),
			 0);
	assert_int_equal(undo(s, "e.raw", &r), 0);
	assert_holds(s, "e.raw", before);
}

static void data_where_it_grew_is_not_cut_off(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	struct view changed;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 11));
	assert_int_equal(repair(s, "d.raw", true), 0);
	poke(s, "d.raw", 22000, "guest");
	changed = scratch_read(s, "d.raw");
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_holds(s, "d.raw", changed);
}

static void an_image_that_others_resized_keeps_its_size(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 12);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(repair(s, "d.raw", false), 0);
	assert_int_equal(truncate(scratch_path(s, "d.raw"), 30000), 0);
	assert_int_equal(undo(s, "d.raw", &r), 0);
	assert_int_equal(scratch_read(s, "d.raw").n, 30000);
	assert_memory_equal(scratch_read(s, "d.raw").p, before.p, before.n);
}

static void growth_of_ours_and_of_others_is_not_undone(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 13));
	assert_int_equal(repair(s, "d.raw", true), 0);
	assert_int_equal(truncate(scratch_path(s, "d.raw"), 30000), 0);
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_non_null(strstr(s->err.msg, "30000"));
}

static void a_symlink_leads_to_the_real_image(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 14);
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	assert_int_equal(symlink("d.raw", scratch_path(s, "link")), 0);
	assert_int_equal(repair(s, "link", false), 0);
	assert_true(scratch_has(s, "d.raw.vmend-undo"));
	assert_false(scratch_has(s, "link.vmend-undo"));
	assert_int_equal(journal_look(scratch_path(s, "link"), FORMAT_IMAGE),
			 JOURNAL_DONE);
	assert_int_equal(undo(s, "link", &r), 0);
	assert_holds(s, "d.raw", before);
}

static void the_journal_is_no_more_readable_than_the_image(void **state)
{
	struct scratch *s = *state;
	struct stat st;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 15));
	assert_int_equal(chmod(scratch_path(s, "d.raw"), 0640), 0);
	assert_int_equal(repair(s, "d.raw", false), 0);
	assert_int_equal(stat(scratch_path(s, "d.raw.vmend-undo"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_hole_in_the_image_stays_a_hole(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 16);
	struct stat st;

	scratch_write(s, "d.raw", before);
	assert_int_equal(truncate(scratch_path(s, "d.raw"), 64 << 20), 0);
	assert_int_equal(repair(s, "d.raw", false), 0);
	assert_int_equal(stat(scratch_path(s, "d.raw"), &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
}

static void a_journal_that_cannot_be_made_leaves_the_image_alone(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 17);

	scratch_write(s, "d.raw", before);
	assert_int_equal(mkdir(scratch_path(s, "d.raw.vmend-undo"), 0700), 0);
	assert_int_equal(repair(s, "d.raw", false), -1);
	assert_non_null(strstr(s->err.msg, "nothing of the image was changed"));
	assert_holds(s, "d.raw", before);
}

static void a_foreign_file_with_the_journals_name_is_not_touched(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 18);
	struct view theirs = scratch_text("my notes");
	struct undo_result r;

	scratch_write(s, "d.raw", before);
	scratch_write(s, "d.raw.vmend-undo", theirs);
	assert_int_equal(repair(s, "d.raw", false), -1);
	assert_int_equal(s->err.code, ERR_PARSE);
	assert_int_equal(undo(s, "d.raw", &r), -1);
	assert_int_equal(s->err.code, ERR_PARSE);
	assert_int_equal(journal_look(scratch_path(s, "d.raw"), FORMAT_IMAGE),
			 JOURNAL_DAMAGED);
	assert_holds(s, "d.raw.vmend-undo", theirs);
	assert_holds(s, "d.raw", before);
}

static void a_symlink_with_the_journals_name_is_not_followed(void **state)
{
	struct scratch *s = *state;
	struct view theirs = scratch_text("");

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 19));
	scratch_write(s, "victim", theirs);
	assert_int_equal(symlink("victim", scratch_path(s, "d.raw.vmend-undo")), 0);
	assert_int_equal(repair(s, "d.raw", false), -1);
	assert_holds(s, "victim", theirs);
}

static void an_image_that_changed_size_since_it_was_read_is_refused(void **state)
{
	struct scratch *s = *state;
	struct source src;
	struct plan p;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 20));
	assert_int_equal(
		source_open(&src, scratch_path(s, "d.raw"), SOURCE_WRITE, &s->err), 0);
	p = scratch_plan(&src, &s->arena, false);
	assert_int_equal(truncate(scratch_path(s, "d.raw"), 30000), 0);
	assert_int_equal(apply_image(&src, &p, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	source_close(&src);
}

/* The size limit of files stands for a full disk: the journal fits, the growth does not. */
static void a_write_that_fails_half_way_is_put_back(void **state)
{
	struct scratch *s = *state;
	struct view before = scratch_bytes(s, IMAGE_SIZE, 21);
	struct rlimit old,
		low = { .rlim_cur = IMAGE_GROWN - 100, .rlim_max = RLIM_INFINITY };
	struct source src;
	struct plan p;
	int rc;

	scratch_write(s, "d.raw", before);
	assert_int_equal(
		source_open(&src, scratch_path(s, "d.raw"), SOURCE_WRITE, &s->err), 0);
	p = scratch_plan(&src, &s->arena, true);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	rc = apply_image(&src, &p, &s->err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	source_close(&src);
	assert_int_equal(rc, -1);
	assert_int_equal(s->err.sys, EFBIG);
	assert_non_null(strstr(s->err.msg, "has been put back"));
	assert_holds(s, "d.raw", before);
	assert_int_equal(scratch_count(s), 1);
}

/* ---- texts ---- */

static const char old_text[] = "<domain>\n  <name>a</name>\n</domain>\n";
static const char new_text[] = "<domain type='kvm'>\n  <name>a</name>\n</domain>\n";

static int mend(struct scratch *s, const char *name, const char *from, const char *to,
		bool keep_undo)
{
	return apply_text(scratch_path(s, name), scratch_text(from), scratch_text(to),
			  keep_undo, &s->err);
}

static void a_text_is_repaired_and_undone(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	struct stat st;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(chmod(scratch_path(s, "vm.xml"), 0604), 0);
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	assert_holds(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(stat(scratch_path(s, "vm.xml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(scratch_count(s), 1);
	assert_int_equal(journal_look(scratch_path(s, "vm.xml"), FORMAT_TEXT),
			 JOURNAL_DONE);
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_int_equal(r.ranges, 1);
	assert_holds(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(stat(scratch_path(s, "vm.xml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(journal_look(scratch_path(s, "vm.xml"), FORMAT_TEXT),
			 JOURNAL_NONE);
	assert_int_equal(scratch_count(s), 1);
}

static void a_text_without_undo_leaves_nothing_behind(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, false), 0);
	assert_holds(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(scratch_count(s), 1);
	assert_false(scratch_has(s, "state"));
}

static void a_text_that_changed_since_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "vm.xml", scratch_text("something else\n"));
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	assert_holds(s, "vm.xml", scratch_text("something else\n"));
	assert_false(scratch_has(s, "state"));
}

static void a_text_that_others_changed_is_not_undone(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	scratch_write(s, "vm.xml", scratch_text("by hand\n"));
	assert_int_equal(undo(s, "vm.xml", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_holds(s, "vm.xml", scratch_text("by hand\n"));
}

static void a_symlink_to_a_text_stays_one(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	struct stat st;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(symlink("vm.xml", scratch_path(s, "link.xml")), 0);
	assert_int_equal(mend(s, "link.xml", old_text, new_text, true), 0);
	assert_int_equal(lstat(scratch_path(s, "link.xml"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_holds(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_holds(s, "vm.xml", scratch_text(old_text));
}

static ino_t inode(struct scratch *s, const char *name)
{
	struct stat st;

	assert_int_equal(stat(scratch_path(s, name), &st), 0);
	return st.st_ino;
}

static void all_names_of_a_hard_linked_text_see_the_repair(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	ino_t was;

	scratch_write(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(link(scratch_path(s, "vm.xml"), scratch_path(s, "other.xml")),
			 0);
	was = inode(s, "vm.xml");
	/* The shorter one: it must be cut. */
	assert_int_equal(mend(s, "vm.xml", new_text, old_text, true), 0);
	assert_int_equal(inode(s, "vm.xml"), was);
	assert_holds(s, "other.xml", scratch_text(old_text));
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_holds(s, "other.xml", scratch_text(new_text));
	/* Without an undo to keep, the journal is there only for the time of the write. */
	assert_int_equal(mend(s, "vm.xml", new_text, old_text, false), 0);
	assert_int_equal(inode(s, "vm.xml"), was);
	assert_holds(s, "other.xml", scratch_text(old_text));
	assert_int_equal(journal_look(scratch_path(s, "vm.xml"), FORMAT_TEXT),
			 JOURNAL_NONE);
}

#if defined(__linux__) && !defined(VMEND_PORTABLE)
static void attributes_are_kept(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;
	char value[8] = { 0 };
	const char *path = scratch_write(s, "vm.xml", scratch_text(old_text));

	if (setxattr(path, "user.note", "mine", 4, 0) != 0)
		skip();
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	assert_int_equal(getxattr(path, "user.note", value, sizeof(value)), 4);
	assert_memory_equal(value, "mine", 4);
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_int_equal(getxattr(path, "user.note", value, sizeof(value)), 4);
}
#endif

static void an_owner_is_kept(void **state)
{
	struct scratch *s = *state;
	struct stat st;
	const char *path = scratch_write(s, "vm.xml", scratch_text(old_text));

	if (chown(path, 12345, 54321) != 0)
		skip();
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 54321);
}

static void undo_of_texts_goes_back_step_by_step(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	assert_int_equal(mend(s, "vm.xml", new_text, "<third/>\n", true), 0);
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_int_equal(r.left, 1);
	assert_holds(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_holds(s, "vm.xml", scratch_text(old_text));
}

static void an_empty_text_can_come_and_go(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;

	scratch_write(s, "vm.xml", scratch_text(""));
	assert_int_equal(mend(s, "vm.xml", "", new_text, true), 0);
	assert_int_equal(mend(s, "vm.xml", new_text, "", true), 0);
	assert_holds(s, "vm.xml", scratch_text(""));
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_holds(s, "vm.xml", scratch_text(new_text));
	assert_int_equal(undo(s, "vm.xml", &r), 0);
	assert_holds(s, "vm.xml", scratch_text(""));
}

static void without_a_state_directory_nothing_is_written(void **state)
{
	struct scratch *s = *state;
	char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
	int rc;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
	assert_int_equal(unsetenv("HOME"), 0);
	rc = mend(s, "vm.xml", old_text, new_text, true);
	if (home)
		setenv("HOME", home, 1);
	free(home);
	assert_int_equal(rc, -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_holds(s, "vm.xml", scratch_text(old_text));
}

static void the_state_directory_is_for_its_owner_alone(void **state)
{
	struct scratch *s = *state;
	struct stat st;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(mend(s, "vm.xml", old_text, new_text, true), 0);
	assert_int_equal(stat(scratch_path(s, "state/vmend/undo"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void what_was_never_repaired_cannot_be_undone(void **state)
{
	struct scratch *s = *state;
	struct undo_result r;

	scratch_write(s, "vm.xml", scratch_text(old_text));
	assert_int_equal(undo(s, "vm.xml", &r), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_int_equal(undo(s, "missing", &r), -1);
	assert_int_equal(s->err.sys, ENOENT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_image_is_repaired_and_undone),
		T(growth_is_taken_back_with_the_rest),
		T(bytes_that_are_there_already_leave_no_journal),
		T(repairs_are_taken_back_in_reverse),
		T(a_range_that_others_changed_is_not_undone),
		T(a_half_old_range_of_a_finished_repair_is_not_ours),
		T(writes_elsewhere_do_not_hinder_undo),
		T(another_image_with_the_same_ranges_is_refused),
		T(a_moved_image_takes_its_journal_along),
		T(data_where_it_grew_is_not_cut_off),
		T(an_image_that_others_resized_keeps_its_size),
		T(growth_of_ours_and_of_others_is_not_undone),
		T(a_symlink_leads_to_the_real_image),
		T(the_journal_is_no_more_readable_than_the_image),
		T(a_hole_in_the_image_stays_a_hole),
		T(a_journal_that_cannot_be_made_leaves_the_image_alone),
		T(a_foreign_file_with_the_journals_name_is_not_touched),
		T(a_symlink_with_the_journals_name_is_not_followed),
		T(an_image_that_changed_size_since_it_was_read_is_refused),
		T(a_write_that_fails_half_way_is_put_back),
		T(a_text_is_repaired_and_undone),
		T(a_text_without_undo_leaves_nothing_behind),
		T(a_text_that_changed_since_is_refused),
		T(a_text_that_others_changed_is_not_undone),
		T(a_symlink_to_a_text_stays_one),
		T(all_names_of_a_hard_linked_text_see_the_repair),
#if defined(__linux__) && !defined(VMEND_PORTABLE)
		T(attributes_are_kept),
#endif
		T(an_owner_is_kept),
		T(undo_of_texts_goes_back_step_by_step),
		T(an_empty_text_can_come_and_go),
		T(without_a_state_directory_nothing_is_written),
		T(the_state_directory_is_for_its_owner_alone),
		T(what_was_never_repaired_cannot_be_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
