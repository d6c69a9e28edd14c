/* Locks on images, against other descriptors. Against real QEMU: tests/locks.sh.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scratch.h"

#include "rewrite/apply.h"
#include "rewrite/journal.h"
#include "rewrite/lock.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/banned.h"

#if defined(F_OFD_SETLK) && !defined(VMEND_PORTABLE)

static struct source open_image(struct scratch *s, enum source_mode mode)
{
	struct source src;

	if (!scratch_has(s, "d.raw"))
		scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 1));
	assert_int_equal(source_open(&src, scratch_path(s, "d.raw"), mode, &s->err), 0);
	return src;
}

static bool can_lock(int fd, short type, off_t off, off_t len)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = off, .l_len = len
	};

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

/* Somebody else holds one lock; what does lock_image() say? */
static void refused_while(struct scratch *s, short type, off_t off, off_t len,
			  const char *why)
{
	struct source ours = open_image(s, SOURCE_WRITE),
		      theirs = open_image(s, SOURCE_READ);
	struct lock_state left;

	if (type == F_WRLCK) {
		source_close(&theirs);
		theirs = open_image(s, SOURCE_WRITE);
	}
	assert_true(can_lock(theirs.fd, type, off, len));
	assert_int_equal(lock_image(&ours, false, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	if (!strstr(s->err.msg, why))
		fail_msg("%s", s->err.msg);
	/* No lock of ours stays behind. */
	assert_true(can_lock(theirs.fd, F_UNLCK, off, len));
	left = host_locks(theirs.fd);
	assert_false(lock_forbids_writing(&left));
	source_close(&theirs);
	source_close(&ours);
}

static void a_writer_is_named(void **state)
{
	refused_while(*state, F_RDLCK, 100, 2, "for writing");
	refused_while(*state, F_RDLCK, 103, 1, "resize");
}

static void a_reader_is_enough_to_refuse(void **state)
{
	refused_while(*state, F_RDLCK, 100, 1, "for reading");
	refused_while(*state, F_RDLCK, 100, 1, "consistent read");
}

static void one_who_shares_nothing_is_enough_to_refuse(void **state)
{
	refused_while(*state, F_RDLCK, 201, 1, "against write");
}

static void a_lock_on_the_whole_file_is_refused(void **state)
{
	refused_while(*state, F_WRLCK, 0, 0, "as a whole");
	refused_while(*state, F_RDLCK, 0, 0, "as a whole");
}

static void libvirts_lock_daemon_is_refused(void **state)
{
	refused_while(*state, F_WRLCK, 0, 1, "libvirt");
}

static void a_free_image_is_locked_as_qemu_would(void **state)
{
	struct scratch *s = *state;
	struct source ours = open_image(s, SOURCE_WRITE),
		      theirs = open_image(s, SOURCE_READ);
	struct lock_state l;

	assert_int_equal(lock_image(&ours, false, &s->err), 0);
	l = host_locks(theirs.fd);
	assert_int_equal(l.used, 1u << 0 | 1u << 1 | 1u << 3);
	assert_int_equal(l.unshared, 0xf);
	assert_false(l.whole_file || l.whole_shared || l.virtlockd);
	source_close(&ours);
	l = host_locks(theirs.fd);
	assert_false(lock_forbids_writing(&l));
	source_close(&theirs);
}

static void of_two_vmends_one_is_refused(void **state)
{
	struct scratch *s = *state;
	struct source first = open_image(s, SOURCE_WRITE),
		      second = open_image(s, SOURCE_WRITE);

	assert_int_equal(lock_image(&first, false, &s->err), 0);
	assert_int_equal(lock_image(&second, false, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	source_close(&first);
	assert_int_equal(lock_image(&second, false, &s->err), 0);
	source_close(&second);
}

static void force_does_not_override_a_lock(void **state)
{
	struct scratch *s = *state;
	struct source ours = open_image(s, SOURCE_WRITE),
		      theirs = open_image(s, SOURCE_READ);

	assert_true(can_lock(theirs.fd, F_RDLCK, 100, 2));
	assert_int_equal(lock_image(&ours, true, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	source_close(&theirs);
	source_close(&ours);
}

/* A child that has the image open, as VirtualBox would. */
static pid_t open_in_child(struct scratch *s, int flags, bool locks, int *end)
{
	int p[2];
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(scratch_path(s, "d.raw"), flags | O_CLOEXEC);
		char byte;

		close(p[1]);
		if (fd < 0 || (locks && !can_lock(fd, F_RDLCK, 100, 2)))
			_exit(1);
		/* Until the test closes its end. */
		_exit(read(p[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(p[0]);
	*end = p[1];
	return pid;
}

/* Until the child has it open. */
static int try_until(struct source *ours, const char *word, struct err *e)
{
	for (int i = 0; i < 500; i++) {
		if (lock_image(ours, false, e) != 0)
			return strstr(e->msg, word) ? 0 : -1;
		usleep(10000);
	}
	return -1;
}

static void a_process_is_named(struct scratch *s, int flags, bool locks, const char *word)
{
	struct source ours = open_image(s, SOURCE_READ);
	char pid_word[32];
	int status, pipe_end;
	pid_t pid;

	/* A child would inherit our own descriptor. */
	source_close(&ours);
	pid = open_in_child(s, flags, locks, &pipe_end);
	ours = open_image(s, SOURCE_WRITE);
	if (try_until(&ours, word, &s->err) != 0)
		fail_msg("%s", s->err.msg);
	assert_int_equal(s->err.code, ERR_BUSY);
	snprintf(pid_word, sizeof(pid_word), "process %ld", (long)pid);
	assert_non_null(strstr(s->err.msg, pid_word));
	assert_non_null(strstr(s->err.msg, "test_lock"));
	close(pipe_end);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(lock_image(&ours, false, &s->err), 0);
	source_close(&ours);
}

static void a_process_that_writes_without_a_lock_is_refused(void **state)
{
	a_process_is_named(*state, O_RDWR, false, "without the locks");
}

static void a_process_that_holds_the_lock_is_named(void **state)
{
	a_process_is_named(*state, O_RDONLY, true, "for writing by test_lock");
}

static void an_image_that_was_replaced_meanwhile_is_refused(void **state)
{
	struct scratch *s = *state;
	struct source ours = open_image(s, SOURCE_WRITE);

	scratch_write(s, "new.raw", scratch_bytes(s, IMAGE_SIZE, 2));
	assert_int_equal(rename(scratch_path(s, "new.raw"), scratch_path(s, "d.raw")), 0);
	assert_int_equal(lock_image(&ours, false, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	assert_non_null(strstr(s->err.msg, "replaced"));
	source_close(&ours);
}

static void an_image_that_changed_size_meanwhile_is_refused(void **state)
{
	struct scratch *s = *state;
	struct source ours = open_image(s, SOURCE_WRITE);

	assert_int_equal(truncate(scratch_path(s, "d.raw"), 100), 0);
	assert_int_equal(lock_image(&ours, false, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	assert_non_null(strstr(s->err.msg, "from 20000 to 100 bytes"));
	source_close(&ours);
}

static void a_journal_is_one_vmends_alone(void **state)
{
	struct scratch *s = *state;
	struct journal first, second;
	struct source src = open_image(s, SOURCE_READ);

	assert_int_equal(journal_open(&first, src.path, FORMAT_IMAGE, true, NULL,
				      &s->arena, &s->err),
			 0);
	assert_int_equal(journal_open(&second, src.path, FORMAT_IMAGE, true, NULL,
				      &s->arena, &s->err),
			 -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	assert_non_null(strstr(s->err.msg, "another vmend"));
	journal_close(&first);
	assert_int_equal(journal_open(&second, src.path, FORMAT_IMAGE, true, NULL,
				      &s->arena, &s->err),
			 0);
	journal_close(&second);
	source_close(&src);
}

static void undo_locks_the_image_too(void **state)
{
	struct scratch *s = *state;
	struct source src = open_image(s, SOURCE_WRITE), theirs;
	struct plan p = scratch_plan(&src, &s->arena, false);
	struct undo_result r;

	assert_int_equal(apply_image(&src, &p, &s->err), 0);
	source_close(&src);
	theirs = open_image(s, SOURCE_READ);
	assert_true(can_lock(theirs.fd, F_RDLCK, 100, 2));
	assert_int_equal(undo_last(theirs.path, false, NULL, &r, &s->err), -1);
	assert_int_equal(s->err.code, ERR_BUSY);
	source_close(&theirs);
	assert_int_equal(undo_last(scratch_path(s, "d.raw"), false, NULL, &r, &s->err),
			 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_writer_is_named),
		T(a_reader_is_enough_to_refuse),
		T(one_who_shares_nothing_is_enough_to_refuse),
		T(a_lock_on_the_whole_file_is_refused),
		T(libvirts_lock_daemon_is_refused),
		T(a_free_image_is_locked_as_qemu_would),
		T(of_two_vmends_one_is_refused),
		T(force_does_not_override_a_lock),
		T(a_process_that_writes_without_a_lock_is_refused),
		T(a_process_that_holds_the_lock_is_named),
		T(an_image_that_was_replaced_meanwhile_is_refused),
		T(an_image_that_changed_size_meanwhile_is_refused),
		T(a_journal_is_one_vmends_alone),
		T(undo_locks_the_image_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void locks_are_refused_where_there_are_none(void **state)
{
	struct scratch *s = *state;
	struct source src;

	scratch_write(s, "d.raw", scratch_bytes(s, IMAGE_SIZE, 1));
	assert_int_equal(
		source_open(&src, scratch_path(s, "d.raw"), SOURCE_WRITE, &s->err), 0);
	assert_int_equal(lock_image(&src, false, &s->err), -1);
	assert_int_equal(s->err.code, ERR_REFUSED);
	assert_int_equal(lock_image(&src, true, &s->err), 0);
	source_close(&src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(locks_are_refused_where_there_are_none,
						scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
