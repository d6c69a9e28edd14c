/* Any bytes as a script: words have places that hold what they say, and an option that is
 * set or removed is the only thing that the next reader sees differently.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/config/qemu_opts.h"
#include "analyze/config/shell.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

static bool all(const struct word *words, size_t n)
{
	(void)words;
	return n > 0;
}

/* Parts are one behind the other, in the text and in the file. */
static void check_word(const struct word *w, struct view text, struct arena *a)
{
	size_t at = 0;
	uint64_t end = w->at.off;
	const struct node *opts;

	for (size_t i = 0; i < w->nparts; i++) {
		const struct word_part *p = &w->parts[i];

		BUG_ON(p->from != at || p->at.off < end);
		BUG_ON(p->at.off < p->all.off || span_end(p->at) > span_end(p->all));
		at += p->n;
		end = span_end(p->at);
		BUG_ON(end > span_end(w->at) ||
		       !view_has(text, (size_t)p->at.off, (size_t)p->at.len));
		BUG_ON((p->exact || p->opaque) &&
		       !view_eq(text, (size_t)p->at.off, w->text.p + p->from, p->n));
	}
	BUG_ON(at != w->text.n);
	opts = qemu_opts(w, "driver", NULL, a);
	if (!opts)
		return;
	for_each_node (o, opts) {
		BUG_ON(o->whole.off < w->at.off || span_end(o->whole) > span_end(w->at));
		BUG_ON(o->text_at.off < o->whole.off ||
		       span_end(o->text_at) > span_end(o->whole));
	}
}

static void check_words(struct view text)
{
	struct source src = source_of_bytes("f", text);
	struct arena a;
	struct shell s;

	arena_init(&a, ARENA_BUDGET);
	shell_read(&s, &src, text, all, &a);
	for (size_t i = 0; i < s.words.n; i++)
		check_word(&s.words.v[i], text, &a);
	arena_free(&a);
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return a->state == b->state && (a->state == FACT_ABSENT || str_eq(a->v, b->v));
}

static bool same_disk(const struct disk *a, const struct disk *b)
{
	return same_fact(&a->source, &b->source) && same_fact(&a->format, &b->format) &&
	       same_fact(&a->target, &b->target) && same_fact(&a->io, &b->io) &&
	       same_fact(&a->readonly, &b->readonly) &&
	       same_fact(&a->logical_block_size, &b->logical_block_size);
}

/* An array can be given to a command twice. */
static bool same_place(const struct disk *a, const struct disk *b)
{
	return a->node && b->node && a->node->whole.off == b->node->whole.off;
}

/* The planned text, read again: k is the only disk with other facts. value: what its locks
 * then are; NULL: nothing is set. */
static void check_edit(const struct unit *u, struct plan *p, size_t v, size_t k,
		       const char *value)
{
	struct view after = plan_text(p, u->text, p->arena);
	struct source src = source_of_bytes("f", after);
	const struct disk *d;
	const char *why;
	struct unit now;

	if (!judge_shell(u->text, after, p, p->arena, &why))
		return; /* the edit is dropped, and said so */
	unit_read(&now, &src, u->format, &no_host);
	BUG_ON(now.state != UNIT_READ || now.skip_reason || now.nvms != u->nvms);
	BUG_ON(now.vms[v].ndisks != u->vms[v].ndisks);
	for (size_t i = 0; i < now.vms[v].ndisks; i++) {
		BUG_ON(!same_disk(&now.vms[v].disks[i], &u->vms[v].disks[i]));
		if (i == k || same_place(&u->vms[v].disks[i], &u->vms[v].disks[k]))
			continue;
		BUG_ON(!same_fact(&now.vms[v].disks[i].locking,
				  &u->vms[v].disks[i].locking));
	}
	d = &now.vms[v].disks[k];
	/* Where "$REST" follows, what is not said is unknown. */
	BUG_ON(value ? !fact_is(&d->locking, value) : fact_known(&d->locking));
	unit_close(&now);
}

static void check_edits(struct view text)
{
	struct source src = source_of_bytes("f", text);
	struct unit u;
	size_t left = 8;

	unit_read(&u, &src, format_find("script"), &no_host);
	for (size_t v = 0; u.state == UNIT_READ && v < u.nvms; v++) {
		for (size_t k = 0; k < u.vms[v].ndisks && left > 0; k++, left--) {
			const struct disk *d = &u.vms[v].disks[k];
			struct plan p = plan_on(&u.src, &u.arena);

			if (d->locking.lens && plan_set(&p, &d->locking, "off"))
				check_edit(&u, &p, v, k, "off");
			p = plan_on(&u.src, &u.arena);
			if (d->locking.lens && fact_known(&d->locking) &&
			    plan_remove(&p, &d->locking))
				check_edit(&u, &p, v, k, NULL);
		}
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char head[] = "#!/bin/sh\nqemu-kvm -drive ";
	struct view text = { data, n };
	uint8_t *script;

	if (n > 4096)
		return 0;
	check_words(text);
	check_edits(text);
	/* As the options of a command. */
	script = malloc(sizeof(head) + n);
	if (!script)
		return 0;
	memcpy(script, head, sizeof(head) - 1);
	if (n)
		memcpy(script + sizeof(head) - 1, data, n);
	check_edits((struct view){ script, sizeof(head) - 1 + n });
	free(script);
	return 0;
}
