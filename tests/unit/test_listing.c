/* Names in a folder, listed once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/listing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static const char *const endings[] = { ".a", ".bc", NULL };

struct folder {
	char path[32];
	int fd;
	struct arena arena;
};

static void make(struct folder *f)
{
	*f = (struct folder){ .path = "/tmp/vmend-listing-XXXXXX" };
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_true(f->fd >= 0);
	arena_init(&f->arena, SIZE_MAX);
}

static void put(const struct folder *f, const char *name)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void drop(struct folder *f, const char *const *names)
{
	for (; *names; names++)
		assert_int_equal(unlinkat(f->fd, *names, 0), 0);
	arena_free(&f->arena);
	close(f->fd);
	assert_int_equal(rmdir(f->path), 0);
}

static struct timespec times_of(const struct folder *f)
{
	struct stat st;

	assert_int_equal(fstat(f->fd, &st), 0);
	return st.st_mtim;
}

static void set_times(const struct folder *f, struct timespec t)
{
	const struct timespec both[] = { t, t };

	assert_int_equal(futimens(f->fd, both), 0);
}

static void names_that_end_so_are_sorted(void **state)
{
	static const char *const names[] = { "z.a", "m.bc", "b.a", "a.c", "bc", NULL };
	struct listing l;
	struct folder f;

	(void)state;
	make(&f);
	for (size_t i = 0; names[i]; i++)
		put(&f, names[i]);
	l = listing_read(f.fd, endings, NULL, &f.arena);
	assert_true(l.whole);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "b.a");
	assert_string_equal(l.v[1], "m.bc");
	assert_string_equal(l.v[2], "z.a");
	drop(&f, names);
}

/* What nothing but the folder's time could tell is not seen: it was not listed again. */
static void a_folder_that_is_as_it_was_is_not_listed_again(void **state)
{
	static const char *const names[] = { "1.a", "2.a", NULL }, *const other[] = {
		".a", NULL
	};
	struct listings *known = listings_new();
	struct timespec before;
	struct listing l;
	struct folder f;

	(void)state;
	make(&f);
	put(&f, names[0]);
	before = times_of(&f);
	l = listing_read(f.fd, endings, known, &f.arena);
	assert_int_equal(l.n, 1);
	put(&f, names[1]);
	set_times(&f, before);
	l = listing_read(f.fd, endings, known, &f.arena);
	assert_true(l.whole);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0], "1.a");
	/* Another question, and one who knows of no lists. */
	assert_int_equal(listing_read(f.fd, other, known, &f.arena).n, 2);
	assert_int_equal(listing_read(f.fd, endings, NULL, &f.arena).n, 2);
	listings_free(known);
	drop(&f, names);
}

static void a_folder_that_has_changed_is_listed_again(void **state)
{
	static const char *const names[] = { "1.a", "2.a", NULL };
	struct listings *known = listings_new();
	struct timespec later;
	struct folder f;

	(void)state;
	make(&f);
	put(&f, names[0]);
	assert_int_equal(listing_read(f.fd, endings, known, &f.arena).n, 1);
	put(&f, names[1]);
	later = times_of(&f);
	later.tv_sec++;
	set_times(&f, later);
	assert_int_equal(listing_read(f.fd, endings, known, &f.arena).n, 2);
	assert_int_equal(listing_read(f.fd, endings, known, &f.arena).n, 2);
	listings_free(known);
	drop(&f, names);
}

static void too_many_names_are_not_all_of_them(void **state)
{
	char text[LISTING_MAX + 1][8];
	const char *names[LISTING_MAX + 2] = { NULL };
	struct listings *known = listings_new();
	struct folder f;

	(void)state;
	make(&f);
	for (size_t i = 0; i <= LISTING_MAX; i++) {
		assert_true(listing_read(f.fd, endings, NULL, &f.arena).whole);
		snprintf(text[i], sizeof(text[i]), "%zu.a", i);
		names[i] = text[i];
		put(&f, names[i]);
	}
	assert_false(listing_read(f.fd, endings, known, &f.arena).whole);
	assert_false(listing_read(f.fd, endings, known, &f.arena).whole);
	listings_free(known);
	drop(&f, names);
}

/* More folders than are remembered, twice. */
static void folders_are_not_mistaken_for_each_other(void **state)
{
	enum { FOLDERS = 20 };
	static const char *const names[] = { "1.a", NULL };
	struct listings *known = listings_new();
	struct folder f[FOLDERS];

	(void)state;
	for (size_t i = 0; i < FOLDERS; i++) {
		make(&f[i]);
		if (i % 2)
			put(&f[i], names[0]);
	}
	for (size_t i = 0; i < (size_t)3 * FOLDERS; i++) {
		struct folder *one = &f[i % FOLDERS];

		assert_int_equal(listing_read(one->fd, endings, known, &one->arena).n,
				 i % 2);
	}
	for (size_t i = 0; i < FOLDERS; i++)
		drop(&f[i], i % 2 ? names : names + 1);
	listings_free(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_end_so_are_sorted),
		cmocka_unit_test(a_folder_that_is_as_it_was_is_not_listed_again),
		cmocka_unit_test(a_folder_that_has_changed_is_listed_again),
		cmocka_unit_test(too_many_names_are_not_all_of_them),
		cmocka_unit_test(folders_are_not_mistaken_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
