/* What the host tells: mountinfo, loop devices, QEMU's locks.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/host.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

struct world {
	struct arena arena;
	struct host host;
	struct err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	arena_init(&w->arena, ARENA_BUDGET);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_free(&w->arena);
	free(w);
	return 0;
}

static int temp_file(char *path, const char *content)
{
	int fd;

	snprintf(path, 64, "/tmp/vmend-test-host-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	return fd;
}

static int read_mountinfo(struct world *w, const char *content)
{
	char path[64];
	int fd = temp_file(path, content), rc;

	rc = host_read(&w->host, &w->arena, path, &w->err);
	close(fd);
	unlink(path);
	return rc;
}

static const char *dir_of(const struct world *w, const char *path)
{
	const struct mount *m = host_mount_of(&w->host, str_of(path));

	return m ? m->dir : "none";
}

#define ROOT "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"

static void fields_are_read(void **state)
{
	struct world *w = *state;
	const struct mount *m;

	assert_int_equal(read_mountinfo(w, ROOT
					"36 21 0:45 /export /mnt/nas rw,noatime shared:7 "
					"master:1 - nfs4 nas:/export rw,vers=4.2,hard\n"),
			 0);
	assert_int_equal(w->host.nmounts, 2);
	m = &w->host.mounts[1];
	assert_string_equal(m->dir, "/mnt/nas");
	assert_string_equal(m->fstype, "nfs4");
	assert_string_equal(m->source, "nas:/export");
	assert_string_equal(m->options, "rw,noatime,rw,vers=4.2,hard");
	assert_int_equal(m->id, 36);
	assert_int_equal(m->parent, 21);
	assert_int_equal(m->major, 0);
	assert_int_equal(m->minor, 45);
}

static void octal_escapes_are_undone(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		read_mountinfo(w, "36 21 0:45 / /mnt/my\\040nas\\134x rw - fuse.sshfs "
				  "me@h:/a\\011b rw\n"),
		0);
	assert_string_equal(w->host.mounts[0].dir, "/mnt/my nas\\x");
	assert_string_equal(w->host.mounts[0].source, "me@h:/a\tb");
	assert_string_equal(dir_of(w, "/mnt/my nas\\x/d.iso"), "/mnt/my nas\\x");
}

static void a_backslash_that_is_no_escape_stays(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, "36 21 0:45 / /m\\09 rw - ext4 a\\04 rw\n"),
			 0);
	assert_string_equal(w->host.mounts[0].dir, "/m\\09");
	assert_string_equal(w->host.mounts[0].source, "a\\04");
}

static void optional_fields_may_be_missing(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, "36 21 0:45 / /a rw - ext4 /dev/sdb rw\n"), 0);
	assert_string_equal(w->host.mounts[0].fstype, "ext4");
	assert_string_equal(w->host.mounts[0].options, "rw,rw");
}

static void an_empty_source_is_no_shift_of_fields(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, "36 21 0:45 / /a rw - tmpfs  rw,size=4k\n"),
			 0);
	assert_string_equal(w->host.mounts[0].source, "");
	assert_string_equal(w->host.mounts[0].options, "rw,rw,size=4k");
}

static void a_named_file_that_is_no_mountinfo_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, ROOT "nas:/export /mnt nfs rw 0 0\n"), -1);
	assert_int_equal(w->err.code, ERR_PARSE);
	assert_non_null(strstr(w->err.msg, "line 2"));
}

static void a_named_file_that_is_missing_is_an_error(void **state)
{
	struct world *w = *state;

	assert_int_equal(host_read(&w->host, &w->arena, "/nonexistent/mounts", &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_IO);
	assert_int_equal(w->err.sys, ENOENT);
}

static void the_longest_mount_point_wins(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		read_mountinfo(w, "40 36 0:46 / /mnt/nas/iso rw - cifs //s/i rw\n" ROOT
				  "36 21 0:45 / /mnt/nas rw - nfs4 n:/e rw\n"),
		0);
	assert_string_equal(dir_of(w, "/mnt/nas/iso/w.iso"), "/mnt/nas/iso");
	assert_string_equal(dir_of(w, "/mnt/nas/w.iso"), "/mnt/nas");
	assert_string_equal(dir_of(w, "/mnt/nas"), "/mnt/nas");
	assert_string_equal(dir_of(w, "/mnt/nas2/w.iso"), "/");
	assert_string_equal(dir_of(w, "/"), "/");
}

static void of_stacked_mounts_the_last_wins(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, ROOT "36 21 0:45 / /nas rw - autofs map rw\n"
						"37 36 0:46 / /nas rw - nfs4 n:/e rw\n"),
			 0);
	assert_string_equal(host_mount_of(&w->host, STR("/nas/x"))->fstype, "nfs4");
}

static void a_mount_hidden_by_one_above_it_is_not_found(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w,
					ROOT "36 21 0:45 / /srv/nas rw - nfs4 n:/e rw\n"
					     "37 21 8:2 / /srv rw - ext4 /dev/sda2 rw\n"),
			 0);
	assert_string_equal(dir_of(w, "/srv/nas/x"), "/srv");
}

static void a_root_that_is_its_own_parent_hides_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
					   "2 1 0:45 / /nas rw - nfs4 n:/e rw\n"),
			 0);
	assert_string_equal(dir_of(w, "/nas/x"), "/nas");
}

static void doubled_slashes_and_dots_do_not_matter(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		read_mountinfo(w, ROOT "36 21 0:45 / /mnt/nas rw - nfs n:/ rw\n"), 0);
	assert_string_equal(dir_of(w, "//mnt/./nas//x/"), "/mnt/nas");
}

static void a_path_with_dotdot_or_without_root_has_no_mount(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_mountinfo(w, ROOT), 0);
	assert_string_equal(dir_of(w, "/a/../b"), "none");
	assert_string_equal(dir_of(w, "a/b"), "none");
	assert_string_equal(dir_of(w, ""), "none");
}

static void options_match_as_a_whole_or_by_name(void **state)
{
	struct mount m = { .options = "rw,nolock,vers=3,local_lock=none" };

	(void)state;
	assert_true(mount_has_option(&m, "nolock"));
	assert_true(mount_has_option(&m, "vers"));
	assert_true(mount_has_option(&m, "vers=3"));
	assert_true(mount_has_option(&m, "local_lock"));
	assert_false(mount_has_option(&m, "lock"));
	assert_false(mount_has_option(&m, "local"));
	assert_false(mount_has_option(&m, "vers=4"));
	assert_false(mount_has_option(&m, "nolock=x"));
}

static void this_machine_is_read(void **state)
{
	struct world *w = *state;

	assert_int_equal(host_read(&w->host, &w->arena, NULL, &w->err), 0);
	if (access("/proc/self/mountinfo", R_OK) != 0)
		skip();
	assert_true(w->host.mounts_known);
	assert_true(w->host.nmounts > 0);
	assert_non_null(host_mount_of(&w->host, STR("/proc/self")));
	assert_string_equal(host_mount_of(&w->host, STR("/proc/self"))->fstype, "proc");
}

static void a_loop_device_is_found_by_its_file(void **state)
{
	struct loop_device loops[] = {
		{ .name = "loop0", .known = false },
		{ .name = "loop1", .known = true, .dev = 7, .ino = 8 },
	};
	struct host h = { .loops = loops, .nloops = 2 };
	struct stat st = { .st_dev = 7, .st_ino = 8 };

	(void)state;
	assert_ptr_equal(host_loop_of(&h, &st), &loops[1]);
	st.st_ino = 9;
	assert_null(host_loop_of(&h, &st));
	st = (struct stat){ 0 };
	assert_null(host_loop_of(&h, &st));
}

/* ---- locks ---- */

#if defined(F_OFD_SETLK) && !defined(VMEND_PORTABLE)

/* A second open of the file takes the lock, as another process would. */
static struct lock_state state_when(short type, off_t off, off_t len)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = off, .l_len = len
	};
	struct lock_state s;
	char path[64];
	int ours = temp_file(path, "x"), theirs = open(path, O_RDWR | O_CLOEXEC);

	assert_true(theirs >= 0);
	assert_int_equal(fcntl(theirs, F_OFD_SETLK, &l), 0);
	s = host_locks(ours);
	close(theirs);
	assert_false(lock_forbids_writing(&(struct lock_state){ 0 }));
	close(ours);
	unlink(path);
	if (!s.known)
		skip();
	return s;
}

static void bytes_are_told_apart_though_the_kernel_merges_them(void **state)
{
	struct lock_state s = state_when(F_RDLCK, QEMU_LOCK_USED, 2);

	(void)state;
	assert_int_equal(s.used, 0x3);
	assert_int_equal(s.unshared, 0);
	assert_true(lock_has_writer(&s));
	assert_true(lock_forbids_writing(&s));
	s = state_when(F_RDLCK, QEMU_LOCK_UNSHARED + 3, 1);
	assert_int_equal(s.used, 0);
	assert_int_equal(s.unshared, 0x8);
	assert_false(lock_has_writer(&s));
	assert_true(lock_forbids_writing(&s));
}

static void a_reader_forbids_writing_and_is_no_writer(void **state)
{
	struct lock_state s = state_when(F_RDLCK, QEMU_LOCK_USED, 1);

	(void)state;
	assert_int_equal(s.used, 1);
	assert_false(lock_has_writer(&s));
	assert_true(lock_forbids_writing(&s));
}

static void the_graph_permission_of_old_qemu_counts(void **state)
{
	struct lock_state s = state_when(F_RDLCK, QEMU_LOCK_USED + 4, 1);

	(void)state;
	assert_int_equal(s.used, 0x10);
}

static void a_lock_on_the_whole_file_is_not_qemus(void **state)
{
	struct lock_state s = state_when(F_WRLCK, 0, 0);

	(void)state;
	assert_true(s.whole_file);
	assert_int_equal(s.used, 0);
	assert_true(lock_has_writer(&s));
	s = state_when(F_WRLCK, 0, 1 << 20);
	assert_true(s.whole_file);
	s = state_when(F_RDLCK, 0, 0);
	assert_true(s.whole_shared);
	assert_false(s.whole_file);
	assert_int_equal(s.used, 0);
	assert_false(lock_has_writer(&s));
	assert_true(lock_forbids_writing(&s));
}

static void byte_0_is_virtlockd(void **state)
{
	struct lock_state s = state_when(F_WRLCK, 0, 1);

	(void)state;
	assert_true(s.virtlockd);
	assert_false(s.whole_file);
	assert_false(lock_has_writer(&s));
	assert_true(lock_forbids_writing(&s));
}

static void a_free_file_is_free_and_stays_so(void **state)
{
	struct lock_state s = state_when(F_UNLCK, 0, 0);

	(void)state;
	assert_true(s.known);
	assert_false(lock_forbids_writing(&s));
	assert_false(s.virtlockd || s.whole_file || s.whole_shared);
}

static void a_read_only_descriptor_is_enough(void **state)
{
	struct flock l = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 101, .l_len = 1
	};
	char path[64];
	int theirs = temp_file(path, "x"), ours = open(path, O_RDONLY | O_CLOEXEC);
	struct lock_state s;

	(void)state;
	assert_int_equal(fcntl(theirs, F_OFD_SETLK, &l), 0);
	s = host_locks(ours);
	close(ours);
	close(theirs);
	unlink(path);
	if (!s.known)
		skip();
	assert_int_equal(s.used, 0x2);
}

static void a_question_that_fails_is_not_known(void **state)
{
	struct lock_state s = host_locks(-1);

	(void)state;
	assert_false(s.known);
	assert_int_equal(s.sys, EBADF);
}

#endif

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fields_are_read),
		T(octal_escapes_are_undone),
		T(a_backslash_that_is_no_escape_stays),
		T(optional_fields_may_be_missing),
		T(an_empty_source_is_no_shift_of_fields),
		T(a_named_file_that_is_no_mountinfo_is_refused),
		T(a_named_file_that_is_missing_is_an_error),
		T(the_longest_mount_point_wins),
		T(of_stacked_mounts_the_last_wins),
		T(a_mount_hidden_by_one_above_it_is_not_found),
		T(a_root_that_is_its_own_parent_hides_nothing),
		T(doubled_slashes_and_dots_do_not_matter),
		T(a_path_with_dotdot_or_without_root_has_no_mount),
		T(options_match_as_a_whole_or_by_name),
		T(this_machine_is_read),
		T(a_loop_device_is_found_by_its_file),
#if defined(F_OFD_SETLK) && !defined(VMEND_PORTABLE)
		T(bytes_are_told_apart_though_the_kernel_merges_them),
		T(a_reader_forbids_writing_and_is_no_writer),
		T(the_graph_permission_of_old_qemu_counts),
		T(a_lock_on_the_whole_file_is_not_qemus),
		T(byte_0_is_virtlockd),
		T(a_free_file_is_free_and_stays_so),
		T(a_read_only_descriptor_is_enough),
		T(a_question_that_fails_is_not_known),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
