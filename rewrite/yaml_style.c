/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/yaml_style.h"
#include "analyze/config/yaml.h"
#include "base/utf8.h"
#include "base/banned.h"

/* ---- lines ---- */

static bool is_break(uint8_t c)
{
	return c == '\n' || c == '\r';
}

uint64_t yaml_line_start(struct view text, uint64_t off)
{
	while (off > 0 && !is_break(text.p[off - 1]))
		off--;
	return off == 0 && view_eq(text, 0, "\xef\xbb\xbf", 3) ? 3 : off;
}

bool yaml_leads_line(struct view text, uint64_t off)
{
	for (uint64_t i = yaml_line_start(text, off); i < off; i++) {
		if (text.p[i] != ' ' && text.p[i] != '\t')
			return false;
	}
	return true;
}

uint64_t yaml_line_end(struct view text, uint64_t off)
{
	while (off < text.n && (text.p[off] == ' ' || text.p[off] == '\t'))
		off++;
	if (off < text.n && text.p[off] == '#') {
		while (off < text.n && !is_break(text.p[off]))
			off++;
	}
	return off == text.n || is_break(text.p[off]) ? off : 0;
}

uint64_t yaml_next_line(struct view text, uint64_t off)
{
	return off + yaml_break(text, (size_t)off);
}

uint64_t yaml_break_before(struct view text, uint64_t off)
{
	if (off >= 2 && view_eq(text, (size_t)off - 2, "\r\n", 2))
		return 2;
	return off >= 1 && is_break(text.p[off - 1]);
}

uint64_t yaml_dash_before(struct view text, uint64_t off)
{
	while (off > 0 && (text.p[off - 1] == ' ' || text.p[off - 1] == '\t'))
		off--;
	return off > 0 && text.p[off - 1] == '-' ? off : 0;
}

/* ---- layout ---- */

static size_t column_of(struct view text, uint64_t off)
{
	uint64_t from = yaml_line_start(text, off);
	size_t column = 0;

	for (uint64_t i = from; i < off; i++)
		column += (text.p[i] & 0xc0) != 0x80;
	return column;
}

static struct str eol_of(struct view text)
{
	const uint8_t *nl = text.n ? memchr(text.p, '\n', text.n) : NULL;

	if (nl)
		return nl > text.p && nl[-1] == '\r' ? STR("\r\n") : STR("\n");
	return text.n && memchr(text.p, '\r', text.n) ? STR("\r") : STR("\n");
}

/* What members of a map in this map are indented by. */
static size_t step_in(struct view text, const struct node *map)
{
	for_each_node (c, map) {
		if (c->kind == NODE_MAP && !c->flow && c->first && c->key_at.len &&
		    yaml_leads_line(text, c->first->whole.off)) {
			size_t inner = column_of(text, c->first->whole.off);
			size_t outer = column_of(text, c->whole.off);

			if (inner > outer)
				return inner - outer;
		}
	}
	return 0;
}

struct yaml_layout yaml_layout(struct view text, const struct node *map)
{
	struct yaml_layout l = { .eol = eol_of(text),
				 .flow = yaml_in_flow(map) || map->flow };

	if (map->first)
		l.column = column_of(text, map->first->whole.off);
	for (const struct node *n = map; n && !l.step; n = n->up) {
		if (n->kind == NODE_MAP)
			l.step = step_in(text, n);
	}
	if (!l.step)
		l.step = 2;
	return l;
}

bool yaml_in_flow(const struct node *n)
{
	for (n = n->up; n; n = n->up) {
		if (n->flow)
			return true;
	}
	return false;
}

static int key_order(struct str a, struct str b)
{
	int c = memcmp(a.p ? a.p : "", b.p ? b.p : "", a.n < b.n ? a.n : b.n);

	return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

const struct node *yaml_predecessor(const struct node *map, struct str key)
{
	const struct node *before = NULL;
	bool sorted = map->first && map->first->next;

	for_each_node (c, map) {
		if (c->next && key_order(c->key, c->next->key) > 0)
			sorted = false;
	}
	if (!sorted)
		return map->last;
	for_each_node (c, map) {
		if (key_order(c->key, key) < 0)
			before = c;
	}
	return before;
}

/* ---- values ---- */

static bool is_like(const struct node *n, enum scalar_type type)
{
	return n->kind == NODE_SCALAR && !n->from && yaml_plain_type(n->text) == type &&
	       n->style <= STYLE_DOUBLE;
}

/* The style of a value in this map, or below it, that would be of that type without quotes. */
static bool style_in(const struct node *map, enum scalar_type type,
		     enum scalar_style *style)
{
	for_each_node (c, map) {
		if (is_like(c, type)) {
			*style = c->style;
			return true;
		}
	}
	return false;
}

static bool style_below(const struct node *n, enum scalar_type type,
			enum scalar_style *style)
{
	if (n->kind != NODE_MAP && n->kind != NODE_LIST)
		return false;
	if (style_in(n, type, style))
		return true;
	for_each_node (c, n) {
		if (style_below(c, type, style))
			return true;
	}
	return false;
}

enum scalar_style yaml_value_style(const struct node *map, const char *value)
{
	enum scalar_type type = yaml_plain_type(str_of(value));
	enum scalar_style style = type == SCALAR_STRING ? STYLE_PLAIN : STYLE_DOUBLE;

	/* The nearest one that says how, outwards. */
	for (const struct node *n = map; n; n = n->up) {
		if (n->kind == NODE_MAP && style_in(n, type, &style))
			return style;
		if (!n->up && style_below(n, type, &style))
			return style;
	}
	return style;
}

/* May it stand without quotes, and mean the same? YAML 1.1, 5.3 and 9.1.3, strictly. */
static bool fits_plain(struct str s, bool flow)
{
	if (s.n == 0 || strchr("-?:,[]{}#&*!|>'\"%@`= \t", s.p[0]))
		return s.n > 1 && s.p[0] == '-' && s.p[1] >= '0' && s.p[1] <= '9';
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c < 0x20 || c >= 0x7f)
			return false;
		if (c == ':' && (flow || i + 1 == s.n || s.p[i + 1] == ' '))
			return false;
		if (c == '#' && s.p[i - 1] == ' ')
			return false;
		if (flow && strchr(",[]{}", s.p[i]))
			return false;
	}
	return s.p[s.n - 1] != ' ' && !str_starts(s, "---") && !str_starts(s, "...");
}

static bool fits_single(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c < 0x20 || c >= 0x7f)
			return false;
	}
	return true;
}

static void add_single(struct buf *b, struct str s)
{
	buf_char(b, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			buf_char(b, '\'');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '\'');
}

static void add_double(struct buf *b, struct str s)
{
	struct view v = str_bytes(s);
	uint32_t c;
	size_t n;

	buf_char(b, '"');
	for (; v.n; v = view_cut(v, n, v.n - n)) {
		n = utf8_decode(v, &c);
		BUG_ON(n == 0);
		if (c == '\n')
			buf_add(b, STR("\\n"));
		else if (c == '\t')
			buf_add(b, STR("\\t"));
		else if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f || c == 0x85 || c == 0xa0 ||
			 utf8_is_invisible(c))
			buf_printf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
		else
			buf_add_bytes(b, v.p, n);
	}
	buf_char(b, '"');
}

void yaml_add_value(struct buf *b, struct str value, enum scalar_style style, bool flow)
{
	if (style == STYLE_PLAIN && fits_plain(value, flow))
		buf_add(b, value);
	else if (style != STYLE_DOUBLE && fits_single(value))
		add_single(b, value);
	else
		add_double(b, value);
}

void yaml_add_key(struct buf *b, struct str key, const struct node *map)
{
	const struct node *like = map->kind == NODE_MAP ? map->first : NULL;
	enum scalar_style style = STYLE_PLAIN;

	/* Keys are letters, digits, dots and dashes: a quote around one is the map's habit. */
	if (like && like->key_at.len == like->key.n + 2)
		style = like->key_at.len ? STYLE_DOUBLE : STYLE_PLAIN;
	yaml_add_value(b, key, style, yaml_in_flow(map) || map->flow);
}
