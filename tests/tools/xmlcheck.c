/* Reads XML files and checks what must hold of every one, then of seeded mutations of it.
 * usage: xmlcheck MUTATIONS FILE...   prints TAP
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/xml_flaws.h"
#include "tests/lib/xml_mutate.h"

#include "base/banned.h"

static struct flaws whole, mutants;

static void show(const char *path, const struct flaws *f, uint64_t seed)
{
	printf("# %s, seed %llu: does not hold: %s\n", path, (unsigned long long)seed,
	       f->what);
	printf("# the last text that was refused, at byte %s\n", f->said);
	if (f->node)
		printf("# at <%.*s>, byte %llu\n", STR_ARG(f->node->key),
		       (unsigned long long)f->node->whole.off);
}

static bool check_file(const char *path, unsigned long mutations)
{
	struct err e = { 0 };
	struct source src;
	struct buf b = { 0 };
	struct arena a;
	struct view text;
	bool good;

	arena_init(&a, ARENA_BUDGET);
	if (source_open(&src, path, SOURCE_READ, &e) != 0 ||
	    source_view(&src, &a, 0, src.size, &text, &e) != 0) {
		printf("# %s: %s\n", path, e.msg);
		return false;
	}
	good = reading_holds(&whole, text);
	if (!good)
		show(path, &whole, 0);
	for (uint64_t seed = 1; good && seed <= mutations; seed++) {
		uint64_t state = (seed ^ text.n << 20) * 0x9e3779b97f4a7c15u;

		mutate(&b, str_view(text), &state);
		good = reading_holds(&mutants, (struct view){ (uint8_t *)b.p, b.n });
		if (!good)
			show(path, &mutants, seed);
	}
	buf_free(&b);
	source_close(&src);
	arena_free(&a);
	return good;
}

int main(int argc, char **argv)
{
	unsigned long mutations = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	bool good = true;

	xml_init();
	for (int i = 2; i < argc; i++)
		good = check_file(argv[i], mutations) && good;
	printf("# files: %lu well-formed, %lu not, %lu beyond a limit\n", whole.accepted,
	       whole.refused, whole.limits);
	printf("# mutants: %lu well-formed, %lu not, %lu beyond a limit\n",
	       mutants.accepted, mutants.refused, mutants.limits);
	printf("%s 1 - libxml2 and vmend read %d files and their mutants the same\n",
	       good ? "ok" : "not ok", argc - 2);
	return good ? 0 : 1;
}
