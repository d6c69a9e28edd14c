/* raw.qemu.qmp.*: is it a JSON list of objects, as Incus unmarshals it? And what guests are
 * called. internal/server/instance/drivers/driver_qemu.go, shared/osinfo.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"

#include <strings.h>

#include "base/banned.h"

/* ---- JSON, RFC 8259: well-formed or not, without recursion ---- */

enum { JSON_DEPTH = 64 };

struct json {
	const char *p, *end;
	char open[JSON_DEPTH]; /* '[', '{' */
	size_t depth;
	bool deep; /* more than is looked into */
};

static void skip_blanks(struct json *j)
{
	while (j->p < j->end && strchr(" \t\r\n", *j->p) && *j->p)
		j->p++;
}

static bool read_string(struct json *j)
{
	for (j->p++; j->p < j->end && *j->p != '"'; j->p++) {
		if ((unsigned char)*j->p < 0x20)
			return false;
		if (*j->p == '\\' && ++j->p == j->end)
			return false;
	}
	return j->p < j->end && *j->p++ == '"';
}

static bool read_word(struct json *j)
{
	const char *from = j->p;
	struct str word;
	bool digits = false;

	while (j->p < j->end && *j->p && !strchr(" \t\r\n,]}:\"[{", *j->p))
		j->p++;
	word = (struct str){ from, (size_t)(j->p - from) };
	if (str_is(word, "true") || str_is(word, "false") || str_is(word, "null"))
		return true;
	for (size_t i = 0; i < word.n; i++) {
		if (!strchr("+-.0123456789eE", word.p[i]))
			return false;
		digits |= word.p[i] >= '0' && word.p[i] <= '9';
	}
	return digits && word.p[0] != '+' && word.p[0] != '.';
}

/* The key of an object's member, and its colon. */
static bool read_key(struct json *j)
{
	skip_blanks(j);
	if (j->p == j->end || *j->p != '"' || !read_string(j))
		return false;
	skip_blanks(j);
	return j->p < j->end && *j->p++ == ':';
}

/* Behind a value: commas and closing brackets, up to where the next value begins. */
static bool read_after(struct json *j)
{
	while (j->depth) {
		skip_blanks(j);
		if (j->p == j->end)
			return false;
		if (*j->p == ',') {
			j->p++;
			return j->open[j->depth - 1] == '{' ? read_key(j) : true;
		}
		if (*j->p++ != (j->open[j->depth - 1] == '{' ? '}' : ']'))
			return false;
		j->depth--;
	}
	skip_blanks(j);
	return j->p == j->end;
}

/* A value's begin; opened: it is a collection that is not empty. */
static bool read_value(struct json *j, bool *opened)
{
	*opened = false;
	skip_blanks(j);
	if (j->p == j->end)
		return false;
	if (*j->p == '"')
		return read_string(j);
	if (*j->p != '[' && *j->p != '{')
		return read_word(j);
	if (j->depth == JSON_DEPTH) {
		j->deep = true;
		return false;
	}
	j->open[j->depth++] = *j->p++;
	skip_blanks(j);
	if (j->p < j->end && *j->p == (j->open[j->depth - 1] == '{' ? '}' : ']')) {
		j->p++;
		j->depth--;
		return true;
	}
	*opened = true;
	return j->open[j->depth - 1] == '{' ? read_key(j) : true;
}

const char *incus_qmp_flaw(struct str s)
{
	struct json j = { .p = s.p, .end = s.p + s.n };
	bool opened, first = true;

	skip_blanks(&j);
	if (j.p == j.end || *j.p != '[')
		return "is no JSON list";
	while (first || j.depth) {
		skip_blanks(&j);
		if (j.depth == 1 && j.p < j.end && *j.p != '{')
			return "has something in its list that is no object";
		if (!read_value(&j, &opened) || (!opened && !read_after(&j)))
			return j.deep ? NULL : "is not well-formed JSON";
		first = false;
	}
	return NULL;
}

/* ---- guests ---- */

bool incus_is_windows(struct str os)
{
	for (size_t i = 0; i + 7 <= os.n; i++) {
		if (strncasecmp(os.p + i, "windows", 7) == 0)
			return true;
	}
	return false;
}

struct str incus_distribution(struct str s)
{
	static const char *const names[] = {
		"almalinux", "alpine",    "alpinelinux", "amazonlinux", "alt",
		"arch",      "archlinux", "centos",      "debian",      "devuan",
		"fedora",    "funtoo",    "gentoo",      "kali",        "mint",
		"nixos",     "openeuler", "opensuse",    "openwrt",     "oracle",
		"plamo",     "rocky",     "rockylinux",  "slackware",   "springdalelinux",
		"ubuntu",    "void",      "voidlinux",
	};
	struct str word = { s.p, 0 };

	while (word.n < s.n && s.p[word.n] != ' ')
		word.n++;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (word.n == strlen(names[i]) &&
		    strncasecmp(word.p, names[i], word.n) == 0)
			return word;
	}
	return (struct str){ 0 };
}
