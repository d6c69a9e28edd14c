/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "base/banned.h"

const struct text_syntax *text_syntax(enum syntax syntax)
{
	static const struct text_syntax *const known[SYNTAXES] = {
		[SYNTAX_XML] = &text_xml,
		[SYNTAX_SHELL] = &text_shell,
		[SYNTAX_QEMU] = &text_qemu,
		[SYNTAX_JSON] = &text_json,
		[SYNTAX_HCL] = &text_hcl,
		[SYNTAX_YAML] = &text_yaml,
		[SYNTAX_PLIST] = &text_plist,
		[SYNTAX_INI] = &text_ini,
		[SYNTAX_QEMU_JSON] = &text_qemu_json,
	};

	return known[syntax];
}

bool text_load(struct plan *p)
{
	struct err e = { 0 };

	if (!p->text.p &&
	    source_view(p->src, p->arena, 0, p->src->size, &p->text, &e) != 0)
		return plan_refuse(p, "%s", e.msg);
	return true;
}

struct target text_target(const struct fact *f)
{
	struct target t = { .found = lens_find(f->lens, f->owner) };

	BUG_ON(!lens_path(f->lens, 0, &t.path));
	t.deepest = lens_deepest(&t.path, f->owner, &t.walked);
	return t;
}

struct span text_span(const struct plan *p, uint64_t from, uint64_t to)
{
	return (struct span){ .src = p->src, .off = from, .len = to - from };
}

bool text_insert(struct plan *p, uint64_t at, struct str text)
{
	return plan_replace(p, text_span(p, at, at), text);
}

struct str text_kept(struct plan *p, struct buf *b)
{
	struct str s = { .p = arena_str(p->arena, (struct str){ .p = b->p, .n = b->n }),
			 .n = b->n };

	buf_free(b);
	return s;
}

bool text_is_bare(const char *value)
{
	size_t n;

	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return true;
	value += *value == '-';
	n = strspn(value, "0123456789");
	if (n == 0 || (*value == '0' && n > 1))
		return false;
	value += n;
	if (*value == '.' && value[1])
		value += 1 + strspn(value + 1, "0123456789");
	return *value == '\0';
}

static bool remove_below(struct plan *p, const struct node *n,
			 const struct lens_path *path, size_t step,
			 bool (*one)(struct plan *p, const struct node *n))
{
	if (step == path->n)
		return one(p, n);
	for_each_node (c, n) {
		if (node_is_content(c) && str_eq(c->key, path->steps[step]) &&
		    !remove_below(p, c, path, step + 1, one))
			return false;
	}
	return true;
}

bool text_remove_each(struct plan *p, const struct fact *f,
		      bool (*one)(struct plan *p, const struct node *n))
{
	struct lens_path path;

	for (size_t i = 0; lens_path(f->lens, i, &path); i++) {
		if (!remove_below(p, f->owner, &path, 0, one))
			return false;
	}
	return true;
}
