/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/judge_fdisk.h"
#include "analyze/image/gpt.h"
#include "analyze/image/mbr.h"
#include "rewrite/prove.h"
#include "base/banned.h"

/* Which of our findings say what libfdisk says in other words. It looks for the backup in
 * the last sector only, and refuses a copy for more reasons than its CRCs, such as usable
 * LBAs past the end of the disk. What only concerns the use of a sound table, such as
 * alignment, explains nothing. */
static const struct {
	enum fdisk_about about;
	const char *prefix;
} same_words[] = {
	{ FDISK_LABEL, "mbr-" },           { FDISK_LABEL, "pmbr-missing" },
	{ FDISK_LABEL, "gpt-primary-" },   { FDISK_LABEL, "gpt-grown" },
	{ FDISK_LABEL, "gpt-disagree" },   { FDISK_PMBR, "mbr-" },
	{ FDISK_PMBR, "pmbr-" },           { FDISK_PMBR, "gpt-grown" },
	{ FDISK_PRIMARY, "gpt-primary-" }, { FDISK_BACKUP, "gpt-backup-" },
	{ FDISK_BACKUP, "gpt-grown" },     { FDISK_BACKUP, "gpt-disagree" },
	{ FDISK_TABLE, "gpt-overlap" },    { FDISK_TABLE, "gpt-end-before-start" },
	{ FDISK_TABLE, "gpt-disagree" },
};

/* These can make it refuse, or complain of, anything. */
static const char *const any_words[] = {
	"gpt-alt-lba",  "gpt-both-",   "gpt-entry-",    "gpt-outside-usable",
	"gpt-past-eof", "gpt-sector-", "gpt-truncated", "gpt-usable-range",
};

static bool says_the_same(const struct rule *r, enum fdisk_about about)
{
	for (size_t i = 0; i < sizeof(any_words) / sizeof(any_words[0]); i++) {
		if (str_starts(str_of(r->id), any_words[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(same_words) / sizeof(same_words[0]); i++) {
		if (same_words[i].about == about &&
		    str_starts(str_of(r->id), same_words[i].prefix))
			return true;
	}
	return false;
}

static bool is_our_finding_too(const struct proof *p, enum fdisk_about about)
{
	for (size_t i = 0; i < p->left->v.n; i++) {
		if (says_the_same(p->left->v.v[i]->rule, about))
			return true;
	}
	return false;
}

static bool writes(const struct plan *p, struct span at)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		if (p->edits.v[i].at.off < span_end(at) &&
		    at.off < span_end(p->edits.v[i].at))
			return true;
	}
	return false;
}

static bool writes_table(const struct plan *p, const struct gpt_table *t)
{
	return writes(p, t->at) || (t->entries_read && writes(p, t->entries_at));
}

static bool touches(const struct proof *p, enum fdisk_about about)
{
	const struct gpt *gpt = p->after->image->gpt;

	switch (about) {
	case FDISK_PMBR:
		return writes(p->plan, (struct span){ .len = MBR_SIZE });
	case FDISK_PRIMARY:
		return writes_table(p->plan, &gpt->primary);
	case FDISK_BACKUP:
		return writes_table(p->plan, &gpt->backup);
	case FDISK_LABEL:
	case FDISK_TABLE:
		return true;
	}
	return true;
}

static bool said(const struct fdisk_opinion *o, const struct fdisk_complaint *c)
{
	for (size_t i = 0; i < o->said.n; i++) {
		if (o->said.v[i].about == c->about &&
		    strcmp(o->said.v[i].text, c->text) == 0)
			return true;
	}
	return false;
}

/* Did it say so before, of something that the plan leaves alone? */
static int is_old(const struct proof *p, const struct fdisk_complaint *c, bool *old,
		  struct err *e)
{
	struct fdisk_opinion before = { 0 };

	*old = false;
	if (touches(p, c->about) || !p->before->image->gpt)
		return 0;
	if (fdisk_ask(p->before->image, p->arena, &before, e) != 0)
		return -1;
	*old = said(&before, c);
	return 0;
}

int judge_fdisk(const struct proof *p, const char **why, struct err *e)
{
	struct fdisk_opinion after = { 0 };

	*why = NULL;
	if (!p->after->image || !p->after->image->gpt)
		return 0;
	if (fdisk_ask(p->after->image, p->arena, &after, e) != 0)
		return -1;
	for (size_t i = 0; i < after.said.n; i++) {
		const struct fdisk_complaint *c = &after.said.v[i];
		bool old;

		if (is_our_finding_too(p, c->about))
			continue;
		if (is_old(p, c, &old, e) != 0)
			return -1;
		if (!old) {
			*why = arena_printf(p->arena, "libfdisk: %s", c->text);
			return 0;
		}
	}
	return 0;
}
