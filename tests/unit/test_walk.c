/* Which files a folder walk finds, and what .gitignore says.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/ignore.h"
#include "cli/pool.h"
#include "cli/walk.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- patterns ---- */

static bool matches(const char *pattern, const char *path)
{
	return wild_match(str_of(pattern), str_of(path));
}

static void a_star_stops_at_a_slash(void **state)
{
	(void)state;
	assert_true(matches("*.xml", "a.xml"));
	assert_true(matches("*.xml", ".xml"));
	assert_false(matches("*.xml", "a.xml.bak"));
	assert_false(matches("vm/*.xml", "vm/a/b.xml"));
	assert_true(matches("a*b*c", "aXbbYc"));
	assert_false(matches("a?c", "a/c"));
	assert_true(matches("a?c", "abc"));
	assert_true(matches("a\\*", "a*"));
	assert_false(matches("a\\*", "ab"));
	assert_false(matches("a\\", "a\\"));
}

static void two_stars_match_folders(void **state)
{
	(void)state;
	assert_true(matches("**/x", "x"));
	assert_true(matches("**/x", "a/b/x"));
	assert_true(matches("a/**/b", "a/b"));
	assert_true(matches("a/**/b", "a/x/y/b"));
	assert_false(matches("a/**/b", "a/xb"));
	assert_true(matches("a/**", "a/x/y"));
	assert_false(matches("a/**", "a/"));
	assert_true(matches("**/a*/b", "ax/ay/b"));
	assert_true(matches("a**b", "axxb"));
	assert_true(matches("***/b", "a/a/b"));
	assert_false(matches("a**b", "ax/xb"));
}

static void brackets_match_one_character(void **state)
{
	(void)state;
	assert_true(matches("[a-c]x", "bx"));
	assert_false(matches("[!a-c]x", "bx"));
	assert_true(matches("[^a-c]x", "dx"));
	assert_true(matches("[]x]", "]"));
	assert_true(matches("[[:digit:]]", "7"));
	assert_false(matches("[[:digit:]]", "x"));
	assert_false(matches("[!a]", "/"));
	assert_false(matches("[ab", "a"));
	assert_true(matches("[\\]]", "]"));
	assert_true(matches("[a-]", "-"));
}

static void many_stars_end_soon(void **state)
{
	char path[4096];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
	assert_false(matches("**/*a*/**/*a*/**/*a*/**/*a*b", path));
}

static void the_last_pattern_decides(void **state)
{
	struct arena a;
	const struct ignore *ig;

	(void)state;
	arena_init(&a, 0);
	ig = ignore_parse(STR("*.raw\n!keep.raw\n# no\n\\#yes\nbuild/\n/top\nend  \n"), 0,
			  NULL, &a);
	assert_true(ignore_match(ig, STR("x/a.raw"), false));
	assert_false(ignore_match(ig, STR("x/keep.raw"), false));
	assert_true(ignore_match(ig, STR("#yes"), false));
	assert_false(ignore_match(ig, STR("# no"), false));
	assert_true(ignore_match(ig, STR("a/build"), true));
	assert_false(ignore_match(ig, STR("a/build"), false));
	assert_true(ignore_match(ig, STR("top"), false));
	assert_false(ignore_match(ig, STR("a/top"), false));
	assert_true(ignore_match(ig, STR("end"), false));
	arena_free(&a);
}

static void the_inner_file_overrules_the_outer_one(void **state)
{
	struct arena a;
	const struct ignore *outer, *inner;

	(void)state;
	arena_init(&a, 0);
	outer = ignore_parse(STR("\xef\xbb\xbf*.xml\r\n"), 0, NULL, &a);
	inner = ignore_parse(STR("!/a.xml"), 4, outer, &a);
	assert_false(ignore_match(inner, STR("sub/a.xml"), false));
	assert_true(ignore_match(inner, STR("sub/b.xml"), false));
	assert_true(ignore_match(inner, STR("sub/x/a.xml"), false));
	arena_free(&a);
}

/* ---- folders ---- */

static char root[64];

static void put(const char *path, const char *text)
{
	char name[256], *slash;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(name, 0700);
		*slash = '/';
	}
	f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/vmend-walk-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_it(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

/* The paths that a walk finds, without the root, each with a blank behind it. */
static const char *found(const char *const *paths, size_t n, struct arena *a)
{
	struct inputs in;
	struct buf b = { 0 };
	const char *text;

	buf_add(&b, STR(""));
	walk(&in, paths, n, a);
	for (size_t i = 0; i < in.v.n; i++) {
		assert_null(in.v.v[i].trouble);
		buf_printf(&b, "%s%s ", in.v.v[i].path + strlen(root) + 1,
			   in.v.v[i].named ? "!" : "");
	}
	text = arena_str(a, (struct str){ b.p, b.n });
	buf_free(&b);
	return text;
}

static const char *found_in(const char *folder, struct arena *a)
{
	const char *path = arena_printf(a, "%s%s", root, folder);

	return found(&path, 1, a);
}

static void names_come_in_byte_order(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	put("b/2", "");
	put("b/10", "");
	put("a", "");
	put("B", "");
	put("c.xml", "");
	put(".hidden/x", "");
	assert_string_equal(found_in("", &a), ".hidden/x B a b/10 b/2 c.xml ");
	assert_string_equal(found_in("/", &a), ".hidden/x B a b/10 b/2 c.xml ");
	arena_free(&a);
}

static void ignored_files_are_left_out(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	put(".git/config", "");
	put(".git/info/exclude", "secret\n");
	put(".gitignore", "*.raw\n/out/\n!sub/keep.raw\n");
	put("a.raw", "");
	put("secret", "");
	put("out/x", "");
	put("sub/out/x", "");
	put("sub/keep.raw", "");
	put("sub/.gitignore", "y\n");
	put("sub/y", "");
	put("y", "");
	assert_string_equal(found_in("", &a),
			    ".gitignore sub/.gitignore sub/keep.raw sub/out/x y ");
	/* The patterns above the walk's root hold as well. */
	assert_string_equal(found_in("/sub", &a),
			    "sub/.gitignore sub/keep.raw sub/out/x ");
	arena_free(&a);
}

static void a_repository_within_has_its_own_rules(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	put(".git/x", "");
	put(".gitignore", "*.raw\n");
	put("inner/.git/x", "");
	put("inner/a.raw", "");
	assert_string_equal(found_in("", &a), ".gitignore inner/a.raw ");
	arena_free(&a);
}

static void what_was_named_is_taken_whatever_is_ignored(void **state)
{
	struct arena a;
	const char *paths[2];

	(void)state;
	arena_init(&a, 0);
	put(".gitignore", "*.raw\n");
	put("a.raw", "");
	put("b.xml", "");
	paths[0] = arena_printf(&a, "%s/a.raw", root);
	paths[1] = root;
	assert_string_equal(found(paths, 2, &a), "a.raw! .gitignore b.xml ");
	arena_free(&a);
}

static void the_same_file_is_taken_once(void **state)
{
	struct arena a;
	const char *paths[2];

	(void)state;
	arena_init(&a, 0);
	put("a", "");
	paths[0] = root;
	paths[1] = arena_printf(&a, "%s/b", root);
	assert_int_equal(link(arena_printf(&a, "%s/a", root), paths[1]), 0);
	/* The walk found it first, under another name; naming it counts all the same. */
	assert_string_equal(found(paths, 2, &a), "a! ");
	arena_free(&a);
}

static void links_and_special_files_are_passed_over(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	put("d/x", "");
	assert_int_equal(symlink("..", arena_printf(&a, "%s/d/loop", root)), 0);
	assert_int_equal(symlink("x", arena_printf(&a, "%s/d/link", root)), 0);
	assert_int_equal(symlink("gone", arena_printf(&a, "%s/d/broken", root)), 0);
	assert_int_equal(mkfifo(arena_printf(&a, "%s/d/fifo", root), 0600), 0);
	assert_string_equal(found_in("", &a), "d/x ");
	arena_free(&a);
}

/* Moves each folder's child up beside it, as paths can only name so much. */
static void remove_deep(const char *name, int depth)
{
	char top[300], child[600], beside[300];

	snprintf(top, sizeof(top), "%s/%s", root, name);
	snprintf(child, sizeof(child), "%s/%s", top, name);
	snprintf(beside, sizeof(beside), "%s/next", root);
	for (; depth > 1; depth--) {
		assert_int_equal(rename(child, beside), 0);
		assert_int_equal(rmdir(top), 0);
		assert_int_equal(rename(beside, top), 0);
	}
}

static void a_folder_deeper_than_any_path_is_trouble(void **state)
{
	struct arena a;
	struct inputs in;
	const char *path = root;
	char name[201];
	int fd = open(root, O_RDONLY | O_DIRECTORY), next;

	(void)state;
	arena_init(&a, 0);
	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int depth = 0; depth < 25; depth++) {
		assert_int_equal(mkdirat(fd, name, 0700), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	walk(&in, &path, 1, &a);
	assert_int_equal(in.v.n, 1);
	assert_non_null(strstr(in.v.v[0].trouble, "File name too long"));
	arena_free(&a);
	remove_deep(name, 25);
}

/* ---- the pool ---- */

enum { ITEMS = 3000 };

struct pool_test {
	unsigned char worked[ITEMS];
	size_t taken;
	bool in_order;
};

static void pool_work(void *ctx, size_t item)
{
	struct pool_test *t = ctx;

	t->worked[item]++;
}

static void pool_take(void *ctx, size_t item)
{
	struct pool_test *t = ctx;

	t->in_order &= item == t->taken && t->worked[item] == 1;
	t->taken++;
}

static void results_are_taken_in_order(void **state)
{
	static const unsigned threads[] = { 1, 2, 7, 64 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pool_test t = { .in_order = true };
		struct pool_job job = { ITEMS, threads[i], &t, pool_work, pool_take };

		pool_run(&job);
		assert_true(t.in_order);
		assert_int_equal(t.taken, ITEMS);
	}
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_star_stops_at_a_slash),
		cmocka_unit_test(two_stars_match_folders),
		cmocka_unit_test(brackets_match_one_character),
		cmocka_unit_test(many_stars_end_soon),
		cmocka_unit_test(the_last_pattern_decides),
		cmocka_unit_test(the_inner_file_overrules_the_outer_one),
		IN_FOLDER(names_come_in_byte_order),
		IN_FOLDER(ignored_files_are_left_out),
		IN_FOLDER(a_repository_within_has_its_own_rules),
		IN_FOLDER(what_was_named_is_taken_whatever_is_ignored),
		IN_FOLDER(the_same_file_is_taken_once),
		IN_FOLDER(links_and_special_files_are_passed_over),
		IN_FOLDER(a_folder_deeper_than_any_path_is_trouble),
		cmocka_unit_test(results_are_taken_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
