/* Numbers of an ISO 9660 image that stand in both byte orders, and differ.
 * ECMA-119, 7.2.3 and 7.3.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* The numbers of a descriptor, and behind them those of its flaws; n is one of them. NULL:
 * there are no more. */
static const struct iso_pair *pair_of(const struct iso_volume *v, size_t n,
				      const char **name)
{
	const struct {
		const struct iso_pair *p;
		const char *name;
	} own[] = {
		{ &v->space, "the size of the volume" },
		{ &v->set_size, "the volumes of the set" },
		{ &v->sequence, "the number in the set" },
		{ &v->block_size, "the block size" },
		{ &v->paths_size, "the size of the path tables" },
		{ &v->root_extent, "the root's block" },
		{ &v->root_size, "the root's size" },
	};
	const size_t nown = sizeof(own) / sizeof(own[0]);
	const struct iso_flaw *f;

	if (n < nown) {
		*name = own[n].name;
		return own[n].p;
	}
	if (n - nown >= v->nflaws)
		return NULL;
	f = &v->flaw[n - nown];
	*name = f->path;
	/* The others' pairs agree, or are no matter here. */
	return f->kind == ISO_FLAW_PAIR ? &f->pair : &v->space;
}

static void report_pair(struct scan *s, const struct iso_pair *p, const char *name)
{
	struct span wrong = p->proven == ISO_BIG      ? p->le.at
			    : p->proven == ISO_LITTLE ? p->be.at
						      : iso_pair_at(p);
	struct finding *f;

	f = report(s, wrong, "%s: %llu in little-endian, %llu in big-endian",
		   shown(s, str_of(name)), LLU(p->le.v), LLU(p->be.v));
	if (p->proven == ISO_NEITHER)
		report_label(s, f, "nothing else says which of them is right");
	/* Nearly all read the first one. */
	if (p->proven != ISO_BIG)
		report_lower(f);
}

static void check_pairs(struct scan *s, const struct iso_volume *v)
{
	const struct iso_pair *p;
	const char *name;

	for (size_t i = 0; (p = pair_of(v, i, &name)) != NULL; i++) {
		if (!iso_pair_agrees(p) && (p != &v->space || i == 0))
			report_pair(s, p, name);
	}
}

static bool fix_pair(struct plan *p, const struct finding *f, const struct iso_volume *v)
{
	const struct iso_pair *x;
	const char *name;
	uint8_t bytes[4];
	size_t n;

	for (size_t i = 0; (x = pair_of(v, i, &name)) != NULL; i++) {
		if (x->proven == ISO_NEITHER ||
		    (f->at.off != x->le.at.off && f->at.off != x->be.at.off))
			continue;
		n = (size_t)x->le.at.len;
		if (x->proven == ISO_LITTLE && n == 4)
			put_be32(bytes, (uint32_t)x->le.v);
		else if (x->proven == ISO_LITTLE)
			put_le16(bytes, __builtin_bswap16((uint16_t)x->le.v));
		else if (n == 4)
			put_le32(bytes, (uint32_t)x->be.v);
		else
			put_le16(bytes, (uint16_t)x->be.v);
		plan_title(p, "%llu in both", LLU(iso_value(x)));
		return plan_bytes(p, STAGE_HEADERS, f->at.off, (struct view){ bytes, n });
	}
	return plan_refuse(p, "nothing else says which of them is right");
}

const struct rule rules_iso_numbers[] = {
	{ .id = "iso-both-endian",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a number that is not the same in both byte orders",
	  .why = "Which of them counts depends on the reader: Linux and Windows take the "
		 "little-endian one, checkisomd5 and old firmware the other.",
	  .steps =
		  "It is mended when a directory, another descriptor or the size of the file says "
		  "which one is right. It is a warning while the one that nearly all read is "
		  "right, or may be.",
	  .source = "ECMA-119, 7.2.3, 7.3.3; isomd5sum 1.2.3, isosize()",
	  .since = "0.1.0",
	  CHECK_FIX(iso_volume, check_pairs, fix_pair) },
};

RULES_END(iso_numbers);
