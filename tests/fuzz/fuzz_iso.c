/* Any bytes as an ISO 9660 image: reading, the sum, what it boots, every rule and every fix, and
 * a name for each place. What a fix writes stays within the image.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "analyze/image/boot.h"
#include "analyze/unit.h"
#include "rules/rule.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { STRIDE = 61 };

static bool go_on(void *ctx, const char *path, uint64_t done, uint64_t total)
{
	(void)ctx;
	(void)path;
	BUG_ON(done > total);
	return true;
}

static void name_places(const struct unit *u, struct arena *a)
{
	struct place place;

	for (uint64_t off = 0; off < u->src.size; off += STRIDE) {
		struct span at = { &u->src, off, 1 };

		if (unit_place(u, at, a, &place))
			BUG_ON(!place.locus || !place.summary);
	}
}

static void judge(const struct unit *u, struct arena *a)
{
	struct findings found = { 0 };

	rules_run(u, a, &found);
	for (size_t i = 0; i < found.v.n; i++) {
		const struct finding *f = found.v.v[i];
		struct plan p = plan_on(&u->src, a);

		BUG_ON(!f->message || !range_within(f->at.off, f->at.len, UINT64_MAX));
		if (!rule_fix(f, &p))
			continue;
		for (size_t k = 0; k < p.edits.n; k++)
			BUG_ON(span_end(p.edits.v[k].at) > u->src.size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct deep_watch watch = { .go_on = go_on };
	struct host host = { .deep = &watch };
	struct source src = source_of_bytes("x.iso", (struct view){ data, n });
	struct arena a;
	struct boot boot;
	struct unit u;
	struct err e;

	arena_init(&a, ARENA_BUDGET);
	unit_read(&u, &src, format_find("iso9660"), &host);
	if (u.state == UNIT_READ) {
		BUG_ON(boot_read(u.image, &boot, &a, &e) != 0);
		judge(&u, &a);
		name_places(&u, &a);
	}
	unit_close(&u);
	arena_free(&a);
	return 0;
}
