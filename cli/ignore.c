/* gitignore(5), with git's own answers where the page is silent (dir.c, wildmatch.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/ignore.h"

#include <ctype.h>

#include "base/banned.h"

struct ignore_pattern {
	struct str text;
	bool negated;     /* "!": takes a path back in */
	bool folder_only; /* "name/" */
	bool anchored;    /* has a slash: matches the path, not the last name of it */
	bool literal;     /* has no wildcard: compared as it stands */
};

/* ---- one pattern ---- */

/* Where in a pattern and a path to go on after a mismatch. */
struct retry {
	size_t pattern, path;
	bool set;
};

static bool class_has(struct str name, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
		{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
		{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
		{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (str_is(name, classes[i].name))
			return classes[i].is(c);
	}
	return false;
}

/* Length of "[:name:]" at p[at], or 0. */
static size_t posix_class(struct str p, size_t at, struct str *name)
{
	size_t end = at + 2;

	if (at + 1 >= p.n || p.p[at] != '[' || p.p[at + 1] != ':')
		return 0;
	while (end + 1 < p.n && p.p[end] != ']' &&
	       !(p.p[end] == ':' && p.p[end + 1] == ']'))
		end++;
	if (end + 1 >= p.n || p.p[end] != ':')
		return 0;
	*name = (struct str){ p.p + at + 2, end - at - 2 };
	return end + 2 - at;
}

/* One literal of a bracket, a backslash taken off; *at moves behind it. */
static unsigned char bracket_char(struct str p, size_t *at)
{
	if (p.p[*at] == '\\' && *at + 1 < p.n)
		(*at)++;
	return (unsigned char)p.p[(*at)++];
}

/* A bracket expression at p[*at] ('['): does it have c? *at moves behind it. A bracket
 * without an end matches nothing. */
static bool bracket_match(struct str p, size_t *at, unsigned char c)
{
	size_t i = *at + 1, first, len;
	bool negated = i < p.n && (p.p[i] == '!' || p.p[i] == '^'), found = false;
	struct str name;

	i += negated;
	for (first = i; i < p.n && (p.p[i] != ']' || i == first);) {
		unsigned char low, high;

		len = posix_class(p, i, &name);
		if (len) {
			found |= class_has(name, c);
			i += len;
			continue;
		}
		low = high = bracket_char(p, &i);
		if (i + 1 < p.n && p.p[i] == '-' && p.p[i + 1] != ']') {
			i++;
			high = bracket_char(p, &i);
		}
		found |= low <= c && c <= high;
	}
	if (i >= p.n) {
		*at = p.n;
		return false;
	}
	*at = i + 1;
	return found != negated && c != '/';
}

/* One character of the path against one token of the pattern at *at. */
static bool char_match(struct str p, size_t *at, char c)
{
	switch (p.p[*at]) {
	case '?':
		(*at)++;
		return c != '/';
	case '[':
		return bracket_match(p, at, (unsigned char)c);
	case '\\':
		if (*at + 1 == p.n)
			return false;
		*at += 2;
		return p.p[*at - 1] == c;
	default:
		(*at)++;
		return p.p[*at - 1] == c;
	}
}

static size_t behind_stars(struct str p, size_t k)
{
	while (k < p.n && p.p[k] == '*')
		k++;
	return k;
}

/* Two stars or more that stand between slashes or an end, at p[at]: DEEP_END at the end of
 * the pattern, DEEP_FOLDERS in front of a slash. */
enum deep { DEEP_NOT, DEEP_END, DEEP_FOLDERS };

static enum deep deep_star(struct str p, size_t at)
{
	size_t behind = behind_stars(p, at);

	if (behind < at + 2 || (at > 0 && p.p[at - 1] != '/'))
		return DEEP_NOT;
	if (behind == p.n)
		return DEEP_END;
	return p.p[behind] == '/' ? DEEP_FOLDERS : DEEP_NOT;
}

/* Goes back to the last star, which takes one character more, or to the last "**", which
 * takes one folder more. False: there is nothing left to try. */
static bool step_back(struct str path, size_t *i, size_t *k, struct retry *star,
		      struct retry *folders)
{
	if (star->set && star->path < path.n && path.p[star->path] != '/') {
		*k = star->pattern;
		*i = ++star->path;
		return true;
	}
	if (!folders->set)
		return false;
	while (folders->path < path.n && path.p[folders->path] != '/')
		folders->path++;
	if (folders->path == path.n)
		return false;
	*k = folders->pattern;
	*i = ++folders->path;
	star->set = false;
	return true;
}

bool wild_match(struct str p, struct str path)
{
	struct retry star = { 0 }, folders = { 0 };
	size_t i = 0, k = 0;

	while (i < path.n || k < p.n) {
		enum deep deep = deep_star(p, k);

		if (deep == DEEP_END) /* all that is inside, not the folder itself */
			return i < path.n;
		if (deep == DEEP_FOLDERS) {
			k = behind_stars(p, k) + 1;
			folders = (struct retry){ k, i, true };
			star.set = false;
			continue;
		}
		if (k < p.n && p.p[k] == '*') {
			k = behind_stars(p, k);
			star = (struct retry){ k, i, true };
			continue;
		}
		if (i < path.n && k < p.n && char_match(p, &k, path.p[i])) {
			i++;
			continue;
		}
		if (!step_back(path, &i, &k, &star, &folders))
			return false;
	}
	return true;
}

/* ---- files of them ---- */

/* Trailing blanks do not count, unless the last one is escaped. */
static struct str trim_blanks(struct str line)
{
	size_t end = 0;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\\' && i + 1 < line.n)
			end = ++i + 1;
		else if (line.p[i] != ' ')
			end = i + 1;
	}
	return (struct str){ line.p, end };
}

static bool has_any(struct str s, const char *chars)
{
	for (size_t i = 0; i < s.n; i++) {
		if (strchr(chars, s.p[i]) && s.p[i])
			return true;
	}
	return false;
}

/* False: the line is empty, a comment, or matches nothing. */
static bool parse_line(struct str line, struct ignore_pattern *out)
{
	if (str_ends(line, "\r"))
		line.n--;
	if (str_starts(line, "#"))
		return false;
	line = trim_blanks(line);
	*out = (struct ignore_pattern){ 0 };
	if (str_starts(line, "!")) {
		out->negated = true;
		line = (struct str){ line.p + 1, line.n - 1 };
	}
	if (str_ends(line, "/")) {
		out->folder_only = true;
		line.n--;
	}
	out->anchored = has_any(line, "/");
	if (str_starts(line, "/"))
		line = (struct str){ line.p + 1, line.n - 1 };
	out->literal = !has_any(line, "*?[\\");
	out->text = line;
	return line.n > 0;
}

const struct ignore *ignore_parse(struct str text, size_t base, const struct ignore *up,
				  struct arena *a)
{
	struct ignore *ig = arena_new(a, struct ignore);
	struct ignore_pattern p;

	ig->up = up;
	ig->base = base;
	if (str_starts(text, "\xef\xbb\xbf"))
		text = (struct str){ text.p + 3, text.n - 3 };
	while (text.n) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t len = nl ? (size_t)(nl - text.p) : text.n;

		if (parse_line((struct str){ text.p, len }, &p))
			*vec_add(&ig->patterns, a) = p;
		len += nl != NULL;
		text = (struct str){ text.p + len, text.n - len };
	}
	return ig;
}

static bool pattern_match(const struct ignore_pattern *p, struct str path,
			  struct str name, bool is_folder)
{
	struct str subject = p->anchored ? path : name;

	if (p->folder_only && !is_folder)
		return false;
	return p->literal ? str_eq(p->text, subject) : wild_match(p->text, subject);
}

bool ignore_match(const struct ignore *top, struct str path, bool is_folder)
{
	struct str name = path;

	for (size_t i = path.n; i > 0; i--) {
		if (path.p[i - 1] == '/') {
			name = (struct str){ path.p + i, path.n - i };
			break;
		}
	}
	for (const struct ignore *ig = top; ig; ig = ig->up) {
		struct str rest = { path.p + ig->base, path.n - ig->base };

		for (size_t i = ig->patterns.n; i > 0; i--) {
			const struct ignore_pattern *p = &ig->patterns.v[i - 1];

			if (pattern_match(p, rest, name, is_folder))
				return !p->negated;
		}
	}
	return false;
}
