/* Any bytes as a file of QEMU's options: each line is what scanf() makes of it, places hold
 * what they say, and a setting that is made or taken away is the only thing that the next
 * reader sees differently.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/ini.h"
#include "analyze/config/qemu.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct host no_host = { 0 };

static bool is_cut(struct str line, struct ini_place p, const char *text)
{
	return str_is((struct str){ line.p + p.from, p.to - p.from }, text);
}

/* The questions of QEMU's qemu_config_foreach(), in its order. */
static void check_line(struct str line)
{
	struct ini_tokens t = ini_line(line);
	char s[INI_LINE_MAX + 2], name[64] = "", value[1024] = "";

	memcpy(s, line.p, line.n);
	s[line.n] = '\n';
	s[line.n + 1] = '\0';
	if (s[0] == '\n' || s[0] == '#') {
		BUG_ON(t.is != INI_EMPTY);
		return;
	}
	if (s[0] == '[') {
		if (sscanf(s, "[%63s \"%63[^\"]\"]", name, value) == 2 &&
		    !strchr(value, '\n')) {
			BUG_ON(t.is == INI_HEADER && t.value.to > t.value.from &&
			       !(is_cut(line, t.name, name) &&
				 is_cut(line, t.value, value)));
			return;
		}
		if (t.is == INI_HEADER) {
			BUG_ON(sscanf(s, "[%63[^]]]", name) != 1 ||
			       !is_cut(line, t.name, name));
			return;
		}
		return;
	}
	BUG_ON(t.is == INI_EMPTY || t.is == INI_HEADER);
	if (sscanf(s, " %63s = \"%1023[^\"]\"", name, value) == 2) {
		BUG_ON(t.is != INI_SETTING && t.is != INI_OPEN);
		BUG_ON(!is_cut(line, t.name, name));
		BUG_ON(t.is == INI_SETTING && !is_cut(line, t.value, value));
		return;
	}
	if (sscanf(s, " %63s = \"\"", name) != 1) {
		BUG_ON(t.is != INI_BLANK);
		return;
	}
	/* What is read is "": so it is written only where the line is a setting. */
	BUG_ON(t.is == INI_BLANK);
	BUG_ON(t.is == INI_SETTING &&
	       !(is_cut(line, t.name, name) && t.value.to == t.value.from));
}

static void check_lines(struct view text)
{
	for (size_t from = 0; from < text.n;) {
		const uint8_t *eol = memchr(text.p + from, '\n', text.n - from);
		size_t end = eol ? (size_t)(eol - text.p) : text.n;

		if (end - from <= INI_LINE_MAX &&
		    !memchr(text.p + from, '\0', end - from))
			check_line(str_view(view_cut(text, from, end - from)));
		from = end + 1;
	}
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return a->state == b->state && (a->state != FACT_KNOWN || str_eq(a->v, b->v));
}

static bool same_disk(const struct disk *a, const struct disk *b)
{
	return same_fact(&a->source, &b->source) && same_fact(&a->format, &b->format) &&
	       same_fact(&a->target, &b->target) && same_fact(&a->io, &b->io) &&
	       same_fact(&a->readonly, &b->readonly) &&
	       same_fact(&a->logical_block_size, &b->logical_block_size);
}

/* value: what disk k's locks then are; NULL: nothing is set. */
static void check_edit(const struct unit *u, struct plan *p, size_t k, const char *value)
{
	struct view after = plan_text(p, u->text, p->arena);
	struct source src = source_of_bytes("f", after);
	const struct disk *d;
	const char *why;
	struct unit now;

	if (!judge_ini(u->text, after, p, p->arena, &why))
		return; /* the edit is dropped, and said so */
	unit_read(&now, &src, u->format, &no_host);
	if (now.syntax) {
		unit_close(&now);
		return; /* too many lines */
	}
	BUG_ON(now.state != UNIT_READ || now.nvms != u->nvms);
	BUG_ON(now.vms[0].ndisks != u->vms[0].ndisks);
	for (size_t i = 0; i < now.vms[0].ndisks; i++) {
		BUG_ON(!same_disk(&now.vms[0].disks[i], &u->vms[0].disks[i]));
		BUG_ON(i != k && !same_fact(&now.vms[0].disks[i].locking,
					    &u->vms[0].disks[i].locking));
	}
	d = &now.vms[0].disks[k];
	BUG_ON(value ? !fact_is(&d->locking, value) : fact_known(&d->locking));
	unit_close(&now);
}

static void check_edits(struct view text)
{
	struct source src = source_of_bytes("f", text);
	struct unit u;
	size_t left = 8;

	unit_read(&u, &src, format_find("qemu-config"), &no_host);
	for (size_t k = 0; u.state == UNIT_READ && u.nvms && k < u.vms[0].ndisks && left;
	     k++, left--) {
		const struct disk *d = &u.vms[0].disks[k];
		struct plan p = plan_on(&u.src, &u.arena);

		if (d->locking.lens && d->locking.state != FACT_UNKNOWN &&
		    plan_set(&p, &d->locking, "off"))
			check_edit(&u, &p, k, "off");
		p = plan_on(&u.src, &u.arena);
		if (d->locking.lens && fact_known(&d->locking) &&
		    plan_remove(&p, &d->locking))
			check_edit(&u, &p, k, NULL);
	}
	unit_close(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char head[] = "[drive \"d\"]\n file = \"a\"\n";
	struct view text = { data, n };
	uint8_t *file;

	if (n > 8192)
		return 0;
	check_lines(text);
	check_edits(text);
	/* Within a section that is ours. */
	file = malloc(sizeof(head) + n);
	if (!file)
		return 0;
	memcpy(file, head, sizeof(head) - 1);
	if (n)
		memcpy(file + sizeof(head) - 1, data, n);
	check_edits((struct view){ file, sizeof(head) - 1 + n });
	free(file);
	return 0;
}
