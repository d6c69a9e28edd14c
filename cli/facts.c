/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/facts.h"
#include "base/banned.h"

enum { VALUE_COLUMN = 26 };

/* "128 MiB", or "123 bytes" when it is no round number of larger units. */
static void buf_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB",   "PiB", "EiB" };
	unsigned u = 0;

	while (bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		u++;
	}
	buf_printf(out, "%llu %s", (unsigned long long)bytes, units[u]);
}

/* ---- text ---- */

static void words(struct buf *out, const char *key)
{
	for (;; key++) {
		size_t n = strcspn(key, "_");

		buf_add(out, (struct str){ key, n });
		key += n;
		if (!*key)
			return;
		buf_char(out, ' ');
	}
}

static void label(struct facts *f, const char *key)
{
	size_t column = 2 * f->depth + strlen(key);

	buf_fill(f->out, ' ', 2 * f->depth);
	words(f->out, key);
	buf_fill(f->out, ' ', column < VALUE_COLUMN ? VALUE_COLUMN - column : 1);
}

static void place(struct facts *f, struct span at)
{
	struct text_pos pos;

	paint(f->out, &f->term, PAINT_GUTTER);
	if (f->lines) {
		pos = lines_pos(f->lines, at.off);
		buf_printf(f->out, "  %llu:%llu", (unsigned long long)pos.line,
			   (unsigned long long)pos.column);
	} else {
		buf_printf(f->out, "  @%s0x%llx", at.src->is_guest ? "guest:" : "",
			   (unsigned long long)at.off);
	}
	paint_end(f->out, &f->term);
}

static void line_of(struct facts *f, const char *key, struct str value)
{
	label(f, key);
	buf_safe(f->out, value);
	buf_char(f->out, '\n');
}

static void title(struct facts *f, const char *text)
{
	buf_fill(f->out, ' ', 2 * f->depth);
	paint(f->out, &f->term, PAINT_PLACE);
	words(f->out, text);
	paint_end(f->out, &f->term);
	buf_char(f->out, '\n');
	f->depth++;
}

/* ---- JSON ---- */

static void json_place(struct facts *f, struct span at)
{
	struct text_pos pos;

	jsonw_u64(&f->j, at.src->is_guest ? "guest_offset" : "byte_offset", at.off);
	jsonw_u64(&f->j, "byte_length", at.len);
	if (!f->lines)
		return;
	pos = lines_pos(f->lines, at.off);
	jsonw_u64(&f->j, "line", pos.line);
	jsonw_u64(&f->j, "column", pos.column);
}

/* ---- both ---- */

void facts_group(struct facts *f, const char *key)
{
	if (f->json)
		jsonw_object(&f->j, key);
	else
		title(f, key);
}

void facts_item(struct facts *f, const char *words)
{
	if (f->json)
		jsonw_object(&f->j, NULL);
	else
		title(f, words);
}

void facts_group_end(struct facts *f)
{
	if (f->json)
		jsonw_object_end(&f->j);
	else
		f->depth--;
}

void facts_list(struct facts *f, const char *key)
{
	if (f->json)
		jsonw_array(&f->j, key);
}

void facts_list_end(struct facts *f)
{
	if (f->json)
		jsonw_array_end(&f->j);
}

void facts_word(struct facts *f, const char *key, const char *v)
{
	if (f->json)
		jsonw_cstr(&f->j, key, v);
	else
		line_of(f, key, v && *v ? str_of(v) : STR("none"));
}

void facts_u64(struct facts *f, const char *key, uint64_t v)
{
	if (f->json)
		jsonw_u64(&f->j, key, v);
	else
		line_of(f, key,
			str_of(arena_printf(f->arena, "%llu", (unsigned long long)v)));
}

void facts_size(struct facts *f, const char *key, uint64_t bytes)
{
	if (f->json) {
		jsonw_u64(&f->j, key, bytes);
		return;
	}
	label(f, key);
	buf_printf(f->out, "%llu bytes", (unsigned long long)bytes);
	if (bytes >= 1024 && bytes % 1024 == 0) {
		buf_add(f->out, STR(" ("));
		buf_size(f->out, bytes);
		buf_char(f->out, ')');
	}
	buf_char(f->out, '\n');
}

void facts_flag(struct facts *f, const char *key, bool v)
{
	if (f->json)
		jsonw_bool(&f->j, key, v);
	else
		line_of(f, key, v ? STR("yes") : STR("no"));
}

static void field(struct facts *f, const char *key, struct field v, bool hex)
{
	if (f->json) {
		jsonw_object(&f->j, key);
		jsonw_u64(&f->j, "value", v.v);
		json_place(f, v.at);
		jsonw_object_end(&f->j);
		return;
	}
	label(f, key);
	buf_printf(f->out, hex ? "0x%08llx" : "%llu", (unsigned long long)v.v);
	place(f, v.at);
	buf_char(f->out, '\n');
}

void facts_field(struct facts *f, const char *key, struct field v)
{
	field(f, key, v, false);
}

void facts_hex(struct facts *f, const char *key, struct field v)
{
	field(f, key, v, true);
}

static const char *state_name(enum fact_state s)
{
	switch (s) {
	case FACT_ABSENT:
		return "absent";
	case FACT_KNOWN:
		return "known";
	case FACT_UNKNOWN:
		return "unknown";
	}
	BUG("fact state %u", s);
}

void facts_fact(struct facts *f, const char *key, const struct fact *v)
{
	if (f->json) {
		jsonw_object(&f->j, key);
		jsonw_cstr(&f->j, "state", state_name(v->state));
		if (v->state == FACT_ABSENT)
			jsonw_null(&f->j, "value");
		else
			jsonw_str(&f->j, "value", v->v);
		if (v->at.src)
			json_place(f, v->at);
		jsonw_object_end(&f->j);
		return;
	}
	label(f, key);
	switch (v->state) {
	case FACT_ABSENT:
		paint(f->out, &f->term, PAINT_GUTTER);
		buf_add(f->out, STR("not set"));
		paint_end(f->out, &f->term);
		break;
	case FACT_KNOWN:
		buf_safe(f->out, v->v);
		place(f, v->at);
		break;
	case FACT_UNKNOWN:
		buf_add(f->out, STR("cannot be told here: "));
		buf_safe(f->out, v->v);
		place(f, v->at);
		break;
	}
	buf_char(f->out, '\n');
}

void facts_place(struct facts *f, struct span at)
{
	if (f->json) {
		json_place(f, at);
		return;
	}
	label(f, "at");
	buf_printf(f->out, "%s0x%llx, ", at.src->is_guest ? "guest:" : "",
		   (unsigned long long)at.off);
	buf_count(f->out, at.len, "byte");
	buf_char(f->out, '\n');
}
