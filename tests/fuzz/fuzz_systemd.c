/* Any bytes as a unit of systemd: words have places in the text, and an option that is set is
 * the only thing that the next reader sees differently.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/unit.h"
#include "rewrite/text.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

static void check_words(const struct qemu_command *c, size_t size)
{
	for (size_t i = 0; c && i < c->nwords; i++) {
		const struct word *w = &c->words[i];
		size_t at = 0;

		BUG_ON(span_end(w->at) > size);
		for (size_t k = 0; k < w->nparts; k++) {
			BUG_ON(w->parts[k].from != at);
			BUG_ON(w->parts[k].at.off < w->at.off ||
			       span_end(w->parts[k].at) > span_end(w->at));
			at += w->parts[k].n;
		}
		BUG_ON(at != w->text.n);
	}
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return a->state == b->state && (a->state == FACT_ABSENT || str_eq(a->v, b->v));
}

/* The planned text, read again: disk k of VM v has its locks off, and nothing else changed. */
static void check_edit(const struct unit *u, struct plan *p, size_t v, size_t k)
{
	struct view after = plan_text(p, u->text, p->arena);
	struct source src = source_of_bytes("f.service", after);
	const char *why;
	struct unit now;

	if (!judge_shell(u->text, after, p, p->arena, &why))
		return; /* the edit is dropped, and said so */
	unit_read(&now, &src, u->format, &no_host);
	BUG_ON(now.state != UNIT_READ || now.nvms != u->nvms ||
	       now.vms[v].ndisks != u->vms[v].ndisks);
	for (size_t i = 0; i < now.vms[v].ndisks; i++) {
		const struct disk *is = &now.vms[v].disks[i], *was = &u->vms[v].disks[i];

		BUG_ON(!same_fact(&is->source, &was->source) ||
		       !same_fact(&is->format, &was->format) ||
		       !same_fact(&is->readonly, &was->readonly));
		BUG_ON(i != k ? !same_fact(&is->locking, &was->locking)
			      : !fact_is(&is->locking, "off"));
	}
	unit_close(&now);
}

/* With what is added it is a specifier: such a fix does not pass its proof. */
static bool ends_with_percent(const struct qemu_command *c)
{
	for (size_t i = 0; c && i < c->nwords; i++) {
		if (str_ends(c->words[i].text, "%"))
			return true;
	}
	return false;
}

static void check(struct view text)
{
	struct source src = source_of_bytes("f.service", text);
	size_t left = 8;
	struct unit u;

	unit_read(&u, &src, format_find("systemd"), &no_host);
	for (size_t v = 0; u.state == UNIT_READ && v < u.nvms; v++) {
		check_words(u.vms[v].qemu, text.n);
		if (ends_with_percent(u.vms[v].qemu))
			continue;
		for (size_t k = 0; k < u.vms[v].ndisks && left > 0; k++, left--) {
			const struct fact *f = &u.vms[v].disks[k].locking;
			struct plan p = plan_on(&u.src, &u.arena);

			if (f->lens && plan_set(&p, f, "off"))
				check_edit(&u, &p, v, k);
		}
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char head[] = "[Service]\nExecStart=/usr/bin/qemu-kvm -drive ";
	uint8_t *unit;

	if (n > 4096)
		return 0;
	check((struct view){ data, n });
	/* As the options of a command. */
	unit = malloc(sizeof(head) + n);
	if (!unit)
		return 0;
	memcpy(unit, head, sizeof(head) - 1);
	if (n)
		memcpy(unit + sizeof(head) - 1, data, n);
	check((struct view){ unit, sizeof(head) - 1 + n });
	free(unit);
	return 0;
}
