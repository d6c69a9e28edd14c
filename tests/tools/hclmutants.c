/* hclmutants SEED COUNT FOLDER FILE...: writes texts into FOLDER that are FILEs with seeded
 * damage, and prints of each its path and what vmend's reader makes of it: good, or bad.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/hcl.h"
#include "analyze/source.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

static uint32_t dice(uint64_t *state, uint32_t sides)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % sides;
}

/* text with up to two places where a token was put in, put over a byte, or bytes are gone. */
static void mutate(struct buf *out, struct str text, uint64_t *state)
{
	static const char *const tokens[] = {
		"\"",     "${",  "}",  "{",    "[",        "]",   "(",  ")",
		"=",      "\n",  " ",  "#",    "/*",       "*/",  "//", "<<E\n",
		"E\n",    "\\",  "?",  ":",    "-",        "!",   ".",  "*",
		",",      "1",   "a",  "for ", "null",     "$${", "%{", "1.5e3",
		"a-b",    "...", "==", "&&",   "true",     ";",   "'",  "\r\n",
		"<<-E\n", "=>",  "|",  "~",    "\xc3\xa9",
	};
	uint32_t edits = 1 + (dice(state, 4) == 0);

	buf_clear(out);
	buf_add(out, text);
	while (edits-- && out->n > 8) {
		const char *token =
			tokens[dice(state, sizeof(tokens) / sizeof(tokens[0]))];
		size_t at = dice(state, (uint32_t)out->n - 4);
		struct buf from = *out;
		uint32_t gone = dice(state, 4);

		*out = (struct buf){ 0 };
		buf_add(out, (struct str){ from.p, at });
		if (dice(state, 3))
			buf_add(out, str_of(token));
		at += gone;
		buf_add(out, (struct str){ from.p + at, from.n - at });
		buf_free(&from);
	}
}

static bool is_good(struct str text)
{
	struct source src = source_of_bytes("text", str_bytes(text));
	const struct syntax_error *bad;
	struct node *root = NULL;
	struct err e = { 0 };
	struct arena a;
	bool good;

	arena_init(&a, ARENA_BUDGET);
	good = hcl_read(&src, str_bytes(text), &a, &root, &bad, &e) == 0 && root;
	arena_free(&a);
	return good;
}

static struct str read_file(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		fprintf(stderr, "hclmutants: cannot read %s\n", path);
		exit(2);
	}
	return (struct str){ text, (size_t)n };
}

static void write_file(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n) {
		fprintf(stderr, "hclmutants: cannot write %s\n", path);
		exit(2);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	uint64_t state;
	struct buf out = { 0 };
	char path[4096];
	long count;

	if (argc < 5) {
		fprintf(stderr, "usage: hclmutants SEED COUNT FOLDER FILE...\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
	count = strtol(argv[2], NULL, 10);
	for (long i = 0; i < count; i++) {
		const char *file = argv[4 + dice(&state, (uint32_t)argc - 4)];

		mutate(&out, read_file(file), &state);
		snprintf(path, sizeof(path), "%s/%ld.pkr.hcl", argv[3], i);
		write_file(path, (struct str){ out.p, out.n });
		printf("%s %s\n", path,
		       is_good((struct str){ out.p, out.n }) ? "good" : "bad");
	}
	buf_free(&out);
	return 0;
}
