/* Any bytes as a property list in XML: places lie within each other, libxml2 reads what we
 * read, the first page has the root's keys, and an edit changes what it is about only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/plist.h"
#include "analyze/config/qemu.h"
#include "analyze/config/xml_judge.h"
#include "analyze/unit.h"
#include "rewrite/text.h"
#include "rules/rule.h"
#include "tests/lib/tree_flaws.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

struct object {
	struct fact fact;
};

/* Plain names only: what is escaped the first page does not look for. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    s.p[i]) ||
		    !s.p[i])
			return false;
	}
	return s.n > 0;
}

static bool is_written_plainly(struct view text, const struct node *n)
{
	return n->key_at.len == n->key.n &&
	       view_eq(text, (size_t)n->key_at.off, n->key.p, n->key.n);
}

static void check_tree(struct view text, const struct node *root, struct arena *a)
{
	const struct node *where;
	struct xml_verdict v;
	const char *flaw = tree_flaw(root, &where);

	if (flaw)
		BUG("%s", flaw);
	xml_judge(text, NULL, &v);
	if (!v.accepted && !v.no_memory)
		BUG("libxml2 refuses it: %s", v.why);
	for (const struct node *c = root->first; root->kind == NODE_MAP && c;
	     c = c->next) {
		if (is_plain(c->key) && is_written_plainly(text, c))
			BUG_ON(!plist_root_has(text, arena_str(a, c->key)));
	}
}

/* The root of the edited text; NULL: the judge refused it, and the fix would be dropped. */
static struct node *after_edit(const struct source *src, struct view text, struct plan *p,
			       struct arena *a)
{
	const struct syntax_error *bad;
	const char *why;
	struct node *root;
	struct err e = { 0 };
	struct view after = plan_text(p, text, a);

	if (!text_plist.judge(text, after, p, a, &why))
		return NULL;
	BUG_ON(plist_read(src, after, a, &root, &bad, &e) == 0 && !root);
	return root;
}

static void check_set(struct view text, const char *path, const char *value)
{
	const struct lens l = LENS(object, fact, path);
	struct source src = source_of_bytes("text", text);
	const struct syntax_error *bad;
	struct object o, again;
	struct err e = { 0 };
	struct node *root;
	struct arena a;
	struct plan p;

	arena_init(&a, ARENA_BUDGET);
	if (plist_read(&src, text, &a, &root, &bad, &e) == 0 && root) {
		check_tree(text, root, &a);
		lens_read(&l, 1, root, &o);
		p = plan_on(&src, &a);
		root = plan_set(&p, &o.fact, value) ? after_edit(&src, text, &p, &a)
						    : NULL;
		if (root) {
			lens_read(&l, 1, root, &again);
			BUG_ON(!fact_is(&again.fact, value));
		}
		p = plan_on(&src, &a);
		root = o.fact.state == FACT_KNOWN && plan_remove(&p, &o.fact)
			       ? after_edit(&src, text, &p, &a)
			       : NULL;
		if (root) {
			lens_read(&l, 1, root, &again);
			BUG_ON(again.fact.state == FACT_KNOWN);
		}
	}
	arena_free(&a);
}

/* Without option k: the words of the others are what they were. */
static void check_removed(struct unit *u, const struct qemu_command *c, size_t k)
{
	const struct qemu_option *o = &c->options[k];
	struct arena *a = &u->arena;
	struct plan p = plan_on(&u->src, a);
	const struct qemu_command *now = NULL;
	struct source src;
	struct view after;
	const char *why;
	struct unit v;

	if (!plan_remove_option(&p, c, o))
		return;
	after = plan_text(&p, u->text, a);
	if (!text_plist.judge(u->text, after, &p, a, &why))
		return;
	src = source_of_bytes("f", after);
	unit_read(&v, &src, u->format, &no_host);
	BUG_ON(v.state != UNIT_READ || v.nvms != 1);
	now = v.vms[0].args ? v.vms[0].args->qemu : NULL;
	BUG_ON((now ? now->nwords : 0) + o->n != c->nwords);
	for (size_t i = 0; now && i < now->nwords; i++)
		BUG_ON(!str_eq(now->words[i].text,
			       c->words[i < o->from ? i : i + o->n].text));
	unit_close(&v);
}

static void check_utm(struct view text)
{
	struct source src = source_of_bytes("f", text);
	struct findings found = { 0 };
	struct unit u;

	unit_read(&u, &src, format_find("utm"), &no_host);
	if (u.state == UNIT_READ && u.nvms == 1) {
		const struct vm *args = u.vms[0].args;

		for (size_t k = 0; args && k < args->qemu->noptions && k < 16; k++)
			check_removed(&u, args->qemu, k);
		rules_run(&u, &u.arena, &found);
		for (size_t i = 0; i < found.v.n; i++) {
			struct plan p = plan_on(&u.src, &u.arena);

			if (rule_fix(found.v.v[i], &p))
				(void)after_edit(&src, text, &p, &u.arena);
		}
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char head[] = "<plist><dict><key>Backend</key><string>QEMU</string>"
				   "<key>ConfigurationVersion</key><integer>4</integer>"
				   "<key>QEMU</key><dict><key>AdditionalArguments</key>"
				   "<array><string>";
	static const char tail[] = "</string></array></dict></dict></plist>";
	struct view text = { data, n };
	size_t size = sizeof(head) + sizeof(tail) - 2 + n;
	uint8_t *list;

	if (n > 16384 || plist_is_binary(text))
		return 0;
	check_set(text, "a", "x<y");
	check_set(text, "System/Target", "q35");
	check_set(text, "QEMU/UEFIBoot", "false");
	check_utm(text);
	/* As QEMU's arguments. */
	list = malloc(size);
	if (!list)
		return 0;
	memcpy(list, head, sizeof(head) - 1);
	if (n)
		memcpy(list + sizeof(head) - 1, data, n);
	memcpy(list + sizeof(head) - 1 + n, tail, sizeof(tail) - 1);
	check_utm((struct view){ list, size });
	free(list);
	return 0;
}
