/* What analyze/source.h promises: whole reads, bounded memory, and overlays that read like
 * the file will.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

/* A folder with a file of 1000 bytes in it, whose byte i is i % 251. */
struct scene {
	char dir[64], path[96];
	struct source s;
	struct err e;
	uint8_t buf[4096];
};

static int setup(void **state)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	int fd;

	assert_non_null(sc);
	snprintf(sc->dir, sizeof(sc->dir), "/tmp/vmend-source-XXXXXX");
	assert_non_null(mkdtemp(sc->dir));
	snprintf(sc->path, sizeof(sc->path), "%s/f", sc->dir);
	fd = open(sc->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	for (size_t i = 0; i < 1000; i++)
		sc->buf[i] = (uint8_t)(i % 251);
	assert_int_equal(write(fd, sc->buf, 1000), 1000);
	close(fd);
	memset(sc->buf, 0xee, sizeof(sc->buf));
	sc->s.fd = -1;
	*state = sc;
	return 0;
}

static int teardown(void **state)
{
	struct scene *sc = *state;

	source_close(&sc->s);
	unlink(sc->path);
	rmdir(sc->dir);
	free(sc);
	return 0;
}

/* ---- opening ---- */

static void a_file_is_opened_with_its_size(void **state)
{
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	assert_int_equal(sc->s.size, 1000);
	assert_int_equal(sc->s.st.st_size, 1000);
	assert_string_equal(sc->s.path, sc->path);
	assert_null(sc->s.patch);
	assert_int_equal(write(sc->s.fd, "x", 1), -1);
}

static void for_a_repair_it_is_opened_for_writing(void **state)
{
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_WRITE, &sc->e), 0);
	assert_int_equal(write(sc->s.fd, "x", 1), 1);
}

static void a_missing_file_is_an_error_with_its_reason(void **state)
{
	struct scene *sc = *state;

	unlink(sc->path);
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_IO);
	assert_int_equal(sc->e.sys, ENOENT);
	assert_int_equal(sc->s.fd, -1);
}

static void check_refused(struct scene *sc, const char *what)
{
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(sc->e.msg, what));
	assert_int_equal(sc->s.fd, -1);
}

static void a_fifo_without_a_writer_is_refused_at_once(void **state)
{
	struct scene *sc = *state;

	unlink(sc->path);
	assert_int_equal(mkfifo(sc->path, 0600), 0);
	check_refused(sc, "a FIFO");
}

static void a_folder_is_refused(void **state)
{
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->dir, SOURCE_READ, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(sc->e.msg, "a directory"));
	assert_int_equal(source_open(&sc->s, "/dev/null", SOURCE_READ, &sc->e), -1);
	assert_non_null(strstr(sc->e.msg, "a character device"));
}

static void a_socket_is_refused(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct scene *sc = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	unlink(sc->path);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", sc->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_IO);
	assert_int_equal(sc->e.sys, ENXIO);
}

/* ---- reading ---- */

static void exactly_what_was_asked_for_is_read(void **state)
{
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	assert_int_equal(source_read(&sc->s, 990, sc->buf, 10, &sc->e), 0);
	assert_int_equal(sc->buf[0], 990 % 251);
	assert_int_equal(sc->buf[9], 999 % 251);
	assert_int_equal(sc->buf[10], 0xee);
	assert_int_equal(source_read(&sc->s, 1000, sc->buf, 0, &sc->e), 0);
}

static void nothing_is_read_past_the_end(void **state)
{
	static const struct {
		uint64_t off;
		size_t n;
	} bad[] = { { 991, 10 },       { 1000, 1 },       { 1001, 0 },
		    { UINT64_MAX, 1 }, { UINT64_MAX, 0 }, { 1, SIZE_MAX } };
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sc->e.code = ERR_NONE;
		assert_int_equal(
			source_read(&sc->s, bad[i].off, sc->buf, bad[i].n, &sc->e), -1);
		assert_int_equal(sc->e.code, ERR_SHORT);
	}
	assert_int_equal(sc->buf[0], 0xee);
}

static void a_file_that_shrank_is_an_error(void **state)
{
	struct scene *sc = *state;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	assert_int_equal(truncate(sc->path, 500), 0);
	assert_int_equal(source_read(&sc->s, 0, sc->buf, 500, &sc->e), 0);
	assert_int_equal(source_read(&sc->s, 400, sc->buf, 200, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_SHORT);
	assert_non_null(strstr(sc->e.msg, "ends at byte 500, 1000 were expected"));
}

static void a_view_of_memory_is_the_memory(void **state)
{
	static const uint8_t bytes[] = "0123456789";
	struct source s = source_of_bytes("-", (struct view){ bytes, 10 });
	struct arena a;
	struct err e;
	struct view v;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(source_view(&s, &a, 3, 4, &v, &e), 0);
	assert_ptr_equal(v.p, bytes + 3);
	assert_int_equal(v.n, 4);
	assert_int_equal(source_view(&s, &a, 8, 3, &v, &e), -1);
	arena_free(&a);
}

static void a_view_keeps_to_its_budget(void **state)
{
	struct scene *sc = *state;
	struct arena a;
	struct view v;

	arena_init(&a, 512);
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	assert_int_equal(source_view(&sc->s, &a, 100, 512, &v, &sc->e), 0);
	assert_int_equal(v.n, 512);
	assert_int_equal(v.p[511], 611 % 251);
	assert_int_equal(source_view(&sc->s, &a, 0, 1, &v, &sc->e), -1);
	assert_int_equal(sc->e.code, ERR_LIMIT);
	arena_free(&a);
}

/* ---- overlays ---- */

static const struct patch_run runs[] = {
	{ 0, { (const uint8_t *)"AB", 2 } },
	{ 100, { (const uint8_t *)"CDEF", 4 } },
	{ 104, { (const uint8_t *)"GH", 2 } },
	{ 1198, { (const uint8_t *)"YZ", 2 } },
};

static const struct patch patch = { .v = runs, .n = 4, .size = 1200 };

static void check_overlay(const struct source *over)
{
	uint8_t all[1200], part[8];
	struct err e;

	assert_int_equal(over->size, 1200);
	assert_int_equal(source_read(over, 0, all, 1200, &e), 0);
	for (size_t i = 0; i < 1200; i++) {
		uint8_t want = i < 1000 ? (uint8_t)(i % 251) : 0;

		for (size_t r = 0; r < 4; r++) {
			if (i >= runs[r].off && i - runs[r].off < runs[r].bytes.n)
				want = runs[r].bytes.p[i - runs[r].off];
		}
		assert_int_equal(all[i], want);
	}
	/* Any part of it is a part of the whole. */
	for (size_t off = 0; off + 8 <= 1200; off++) {
		assert_int_equal(source_read(over, off, part, 8, &e), 0);
		assert_memory_equal(part, all + off, 8);
	}
	assert_int_equal(source_read(over, 1193, part, 8, &e), -1);
	assert_int_equal(e.code, ERR_SHORT);
}

static void an_overlay_of_a_file_reads_as_if_it_were_written(void **state)
{
	struct scene *sc = *state;
	struct source over;

	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	over = source_overlay(&sc->s, &patch);
	check_overlay(&over);
	assert_int_equal(source_read(&sc->s, 0, sc->buf, 2, &sc->e), 0);
	assert_memory_equal(sc->buf, "\0\1", 2);
}

static void an_overlay_of_memory_does_so_too(void **state)
{
	uint8_t bytes[1000];
	struct source s = source_of_bytes("-", (struct view){ bytes, 1000 });
	struct source over = source_overlay(&s, &patch);
	struct arena a;
	struct err e;
	struct view v;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		bytes[i] = (uint8_t)(i % 251);
	check_overlay(&over);
	arena_init(&a, 4096);
	assert_int_equal(source_view(&over, &a, 99, 8, &v, &e), 0);
	assert_memory_equal(v.p,
			    "\x63"
			    "CDEFGH\x6a",
			    8);
	arena_free(&a);
}

static void an_overlay_may_be_of_an_empty_file(void **state)
{
	static const struct patch_run run = { 2, { (const uint8_t *)"x", 1 } };
	static const struct patch grows = { .v = &run, .n = 1, .size = 4 };
	struct source s = source_of_bytes("-", (struct view){ 0 });
	struct source over = source_overlay(&s, &grows);
	uint8_t buf[4];
	struct err e;

	(void)state;
	assert_int_equal(source_read(&over, 0, buf, 4, &e), 0);
	assert_memory_equal(buf, "\0\0x\0", 4);
}

/* ---- holes ---- */

static void data_ends_where_only_a_hole_follows(void **state)
{
	struct scene *sc = *state;
	uint64_t end;

	assert_int_equal(truncate(sc->path, 1 << 30), 0);
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	end = source_data_end(&sc->s);
	/* In units of the file system's; one that has no holes says the end. */
	assert_true(end >= 1000 && (end <= 1 << 20 || end == 1 << 30));
	sc->s.size = 1 << 29;
	assert_true(source_data_end(&sc->s) >= 1000);
	source_close(&sc->s);
	assert_int_equal(truncate(sc->path, 0), 0);
	assert_int_equal(source_open(&sc->s, sc->path, SOURCE_READ, &sc->e), 0);
	assert_int_equal(source_data_end(&sc->s), 0);
}

static void memory_has_no_holes(void **state)
{
	static const uint8_t zeros[100];
	struct source s = source_of_bytes("x", (struct view){ zeros, sizeof(zeros) });

	(void)state;
	assert_int_equal(source_data_end(&s), 100);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		SCENE(a_file_is_opened_with_its_size),
		SCENE(for_a_repair_it_is_opened_for_writing),
		SCENE(a_missing_file_is_an_error_with_its_reason),
		SCENE(a_fifo_without_a_writer_is_refused_at_once),
		SCENE(a_folder_is_refused),
		SCENE(a_socket_is_refused),
		SCENE(exactly_what_was_asked_for_is_read),
		SCENE(nothing_is_read_past_the_end),
		SCENE(a_file_that_shrank_is_an_error),
		cmocka_unit_test(a_view_of_memory_is_the_memory),
		SCENE(a_view_keeps_to_its_budget),
		SCENE(an_overlay_of_a_file_reads_as_if_it_were_written),
		cmocka_unit_test(an_overlay_of_memory_does_so_too),
		cmocka_unit_test(an_overlay_may_be_of_an_empty_file),
		SCENE(data_ends_where_only_a_hole_follows),
		cmocka_unit_test(memory_has_no_holes),
	};
#undef SCENE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
