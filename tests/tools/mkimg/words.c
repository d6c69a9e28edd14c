/* Words of a recipe line, and what they mean as numbers and GUIDs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "base/num.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const struct {
	const char *alias, *guid;
} types[] = {
	{ "linux", "0FC63DAF-8483-4772-8E79-3D69D8477DE4" },
	{ "esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" },
	{ "bios", "21686148-6449-6E6F-744E-656564454649" },
	{ "swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F" },
	{ "lvm", "E6D6D379-F507-44C2-A23C-238F2A3DF928" },
	{ "raid", "A19D880F-05FC-4D3B-A006-743F0F84911E" },
	{ "data", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7" },
	{ "msr", "E3C9E316-0B5C-4DB8-817D-F92DF00215AE" },
	{ "root-x86-64", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709" },
	{ "xbootldr", "BC13C2FF-59E6-4262-A352-B275FD6F7172" },
};

_Noreturn void die(const struct recipe *r, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", r->path, r->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void split(struct recipe *r, char *s)
{
	r->nwords = 0;
	for (;;) {
		char *to;
		bool quoted = false;

		s += strspn(s, " \t\r\n");
		if (*s == '\0' || *s == '#')
			return;
		if (r->nwords == WORDS_MAX)
			die(r, "more than %d words", WORDS_MAX);
		r->word[r->nwords++] = to = s;
		for (; *s && (quoted || !strchr(" \t\r\n", *s)); s++) {
			if (*s == '"')
				quoted = !quoted;
			else
				*to++ = *s;
		}
		if (quoted)
			die(r, "a quote is not closed");
		if (*s)
			s++;
		*to = '\0';
	}
}

const char *need(const struct recipe *r, int i, const char *what)
{
	if (i >= r->nwords)
		die(r, "%s needs %s", r->word[0], what);
	return r->word[i];
}

const char *option(const struct recipe *r, const char *key)
{
	size_t n = strlen(key);

	for (int i = 1; i < r->nwords; i++) {
		if (strncmp(r->word[i], key, n) == 0 && r->word[i][n] == '=')
			return r->word[i] + n + 1;
	}
	return NULL;
}

void only_options(const struct recipe *r, int from, const char *keys)
{
	for (int i = from; i < r->nwords; i++) {
		size_t n = strcspn(r->word[i], "=");
		const char *k = keys;

		while (*k && (strcspn(k, " ") != n || strncmp(k, r->word[i], n) != 0)) {
			k += strcspn(k, " ");
			k += strspn(k, " ");
		}
		if (!*k || r->word[i][n] != '=')
			die(r, "%s does not know '%s' (it knows: %s)", r->word[0],
			    r->word[i], keys);
	}
}

uint64_t number_at(const struct recipe *r, const char *s, const char **end, bool *bytes)
{
	static const char suffixes[] = "KMGT";
	uint64_t v, unit = 1;
	const char *u;
	char *e;

	errno = 0;
	v = strtoull(s, &e, 0);
	if (e == s || *s == '-' || *s == '+' || errno)
		die(r, "'%s' is not a number", s);
	u = *e ? strchr(suffixes, *e) : NULL;
	if (u) {
		unit = UINT64_C(1024) << (10 * (u - suffixes));
		e++;
	}
	if (!u64_mul(v, unit, &v))
		die(r, "'%s' is too large", s);
	if (bytes)
		*bytes = u != NULL;
	*end = e;
	return v;
}

uint64_t number(const struct recipe *r, const char *s)
{
	const char *end;
	uint64_t v = number_at(r, s, &end, NULL);

	if (*end)
		die(r, "'%s' is not a number", s);
	return v;
}

uint64_t sectors(const struct recipe *r, const char *s)
{
	const char *end;
	bool bytes;
	uint64_t v = number_at(r, s, &end, &bytes);

	if (*end)
		die(r, "'%s' is not a number of sectors", s);
	if (bytes && v % r->ss)
		die(r, "'%s' is not a multiple of %u bytes", s, r->ss);
	return bytes ? v / r->ss : v;
}

uint64_t option_number(const struct recipe *r, const char *key, uint64_t otherwise)
{
	const char *s = option(r, key);

	return s ? number(r, s) : otherwise;
}

uint64_t option_sectors(const struct recipe *r, const char *key, uint64_t otherwise)
{
	const char *s = option(r, key);

	return s ? sectors(r, s) : otherwise;
}

/* ---- GUIDs ---- */

bool guid_of_text(const char *s, uint8_t out[16])
{
	/* The first three groups are little-endian numbers. */
	static const uint8_t order[16] = { 3, 2, 1,  0,  5,  4,  7,  6,
					   8, 9, 10, 11, 12, 13, 14, 15 };
	char pair[3] = { 0 };
	size_t n = 0;

	if (strlen(s) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
			continue;
		}
		pair[0] = s[i];
		pair[1] = s[++i];
		if (strspn(pair, "0123456789abcdefABCDEF") != 2)
			return false;
		out[order[n++]] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return true;
}

/* A version 4 GUID that depends on a name alone. */
static void guid_of_name(const char *name, uint64_t number, uint8_t out[16])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ number * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < 16; i++) {
		for (const char *p = name; *p; p++)
			h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
		h = (h ^ i) * UINT64_C(0x100000001b3);
		out[i] = (uint8_t)(h >> 40);
	}
	out[7] = (uint8_t)((out[7] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void option_guid(const struct recipe *r, const char *key, const char *name, uint64_t n,
		 uint8_t out[16])
{
	const char *s = option(r, key);

	if (!s)
		guid_of_name(name, n, out);
	else if (!guid_of_text(s, out))
		die(r, "'%s' is not a GUID", s);
}

void type_guid(const struct recipe *r, const char *s, uint8_t out[16])
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].alias, s) == 0)
			s = types[i].guid;
	}
	if (!guid_of_text(s, out))
		die(r, "'%s' is neither a known type nor a GUID", s);
}
