/* The judge of an edited file of QEMU's options: QEMU's own reading of a line, which is scanf's,
 * and nothing of the reader in analyze/config/ini.c. What no edit touches is read as it was, in
 * the same section; what is new is read as it looks.
 * QEMU: util/qemu-config.c, qemu_config_foreach().
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "base/banned.h"

enum { LINE_MAX_BYTES = 1023 };

struct reading {
	enum { NOTHING, SECTION, SETTING, REFUSED } is;
	char name[64], value[1024];
};

/* line: with its end. */
static void read_line(struct reading *r, struct str line)
{
	char s[LINE_MAX_BYTES + 1];

	*r = (struct reading){ .is = REFUSED };
	if (line.n > LINE_MAX_BYTES || memchr(line.p, '\0', line.n))
		return;
	memcpy(s, line.p, line.n);
	s[line.n] = '\0';
	r->is = NOTHING;
	if (s[0] == '\n' || s[0] == '#' || s[0] == '\0')
		return;
	r->is = SECTION;
	if (s[0] == '[' && sscanf(s, "[%63s \"%63[^\"]\"]", r->name, r->value) == 2)
		return;
	r->value[0] = '\0';
	if (s[0] == '[' && sscanf(s, "[%63[^]]]", r->name) == 1)
		return;
	r->is = SETTING;
	if (sscanf(s, " %63s = \"%1023[^\"]\"", r->name, r->value) == 2)
		return;
	r->value[0] = '\0';
	if (sscanf(s, " %63s = \"\"", r->name) != 1)
		r->is = REFUSED;
}

/* It reads as it looks: name = "value", and a value is there when something is written. */
static bool is_plain(const struct reading *r, struct str line)
{
	struct str s = str_trim(line);

	switch (r->is) {
	case NOTHING:
		return true;
	case REFUSED:
		return false;
	case SECTION:
		return str_has(s, "]");
	case SETTING:
		return !strchr(r->value, '\n') && !strpbrk(r->name, "=\"[#") &&
		       (r->value[0] || str_ends(s, "\"\""));
	}
	BUG("reading %u", r->is);
}

#define NO_SECTION  SIZE_MAX
#define NEW_SECTION (SIZE_MAX - 1)

struct side {
	struct view text;
	size_t at;       /* the next line */
	struct str line; /* with its end */
	struct reading now;
	/* Where in the text before the edits its section's header is. */
	size_t section, section_end;
};

static bool next_line(struct side *s)
{
	const uint8_t *eol;
	size_t end;

	if (s->at >= s->text.n)
		return false;
	eol = memchr(s->text.p + s->at, '\n', s->text.n - s->at);
	end = eol ? (size_t)(eol - s->text.p) + 1 : s->text.n;
	s->line = str_view(view_cut(s->text, s->at, end - s->at));
	s->at = end;
	read_line(&s->now, s->line);
	/* A header that is not at the begin of its line is none to QEMU, and meant as one. */
	if (s->now.is == SECTION || str_starts(str_trim(s->line), "[")) {
		s->section = end - s->line.n;
		s->section_end = end;
	}
	return true;
}

/* Does an edit change a byte of [from, to), or put one in? */
static bool is_touched(const struct plan *p, size_t from, size_t to, size_t end)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (e->at.len == 0 && e->at.off >= from &&
		    (e->at.off < to || (e->at.off == to && to == end)))
			return true;
		if (e->at.len > 0 && e->at.off < to && span_end(e->at) > from)
			return true;
	}
	return false;
}

/* The header may have been edited itself. */
static bool same_section(const struct side *was, const struct side *is,
			 const struct plan *p)
{
	return is->section == was->section ||
	       (is->section == NEW_SECTION && was->section != NO_SECTION &&
		is_touched(p, was->section, was->section_end, was->text.n));
}

/* Each line of the result is the next one that was left as it is, or reads as it looks. */
bool judge_ini(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why)
{
	struct side was = { .text = before, .section = NO_SECTION };
	struct side is = { .text = after, .section = NO_SECTION };
	bool kept = false; /* was.line waits for its copy */

	*why = NULL;
	for (;;) {
		while (!kept && next_line(&was))
			kept = !is_touched(p, was.at - was.line.n, was.at, before.n);
		if (!next_line(&is))
			break;
		if (is.section + is.line.n == is.at)
			is.section = NEW_SECTION;
		if (kept && str_eq(was.line, is.line)) {
			if (is.section == NEW_SECTION && is.section_end == is.at)
				is.section = was.section;
			if (!same_section(&was, &is, p))
				*why = "a line would be in another section";
			kept = false;
		} else if (!is_plain(&is.now, is.line)) {
			*why = arena_printf(a, "QEMU would not read '%s' as it looks",
					    str_shown(a, str_trim(is.line)));
		}
		if (*why)
			return false;
	}
	if (kept)
		*why = "a line that no edit touches would be lost";
	return !*why;
}
