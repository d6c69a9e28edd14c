/* Any bytes, from recognition to the proven repair: no crash, no hang, and what was fixed
 * once is not changed by a second fix. Nothing is written.
 *
 * Behind the bytes of an image, a last byte with bit 0 set asks for the checksums of both
 * GPT copies to be put right first: no fuzzer guesses a CRC.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"
#include "rewrite/prove.h"
#include "rules/rule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reseal(uint8_t *p, size_t n, size_t header)
{
	struct view v = { p, n };
	uint64_t array, bytes;

	if (!view_eq(v, header, GPT_SIGNATURE, 8) ||
	    !view_has(v, header, GPT_HEADER_SIZE))
		return;
	array = view_le64(v, header + GPT_OFF_ENTRIES_LBA);
	bytes = (uint64_t)view_le32(v, header + GPT_OFF_ENTRY_COUNT) *
		view_le32(v, header + GPT_OFF_ENTRY_SIZE);
	if (u64_mul(array, MBR_SIZE, &array) && range_within(array, bytes, n))
		put_le32(p + header + GPT_OFF_ENTRIES_CRC,
			 crc32_of(view_cut(v, (size_t)array, (size_t)bytes)));
	put_le32(p + header + GPT_OFF_HEADER_CRC, 0);
	put_le32(p + header + GPT_OFF_HEADER_CRC,
		 crc32_of(view_cut(v, header, GPT_HEADER_SIZE)));
}

/* Plans a repair of src with everything allowed. True when there is one: *text holds the
 * new text, or *patch what is changed of an image. */
static bool plan(const struct source *src, struct arena *a, struct view *text,
		 struct patch *patch)
{
	static const struct mend_policy everything = { .level = FIX_LOSSY };
	static const struct host host;
	bool changed = false;
	struct mend m;
	struct unit u;
	struct err e;

	unit_read(&u, src, NULL, &host);
	if (u.state == UNIT_READ) {
		if (mend_plan(&m, &u, &everything, a, &e) == 0 && m.changed) {
			changed = true;
			if (u.format->kind == FORMAT_TEXT)
				*text = arena_copy(a, m.text);
			else
				*patch = plan_patch(&m.plan, a);
		}
		mend_free(&m);
	}
	unit_close(&u);
	return changed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct patch patch = { 0 }, ignored;
	struct view text = { 0 }, none;
	struct source src, fixed;
	uint8_t *copy;
	struct arena a;

	if (size == 0)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (data[size - 1] & 1 && --size >= (size_t)2 * MBR_SIZE) {
		reseal(copy, size, MBR_SIZE);
		reseal(copy, size, (size - MBR_SIZE) / MBR_SIZE * MBR_SIZE);
	}
	arena_init(&a, ARENA_BUDGET);
	src = source_of_bytes("input", (struct view){ copy, size });
	if (plan(&src, &a, &text, &patch)) {
		fixed = text.p ? source_of_bytes("input", text)
			       : source_overlay(&src, &patch);
		BUG_ON(plan(&fixed, &a, &none, &ignored));
	}
	arena_free(&a);
	free(copy);
	return 0;
}
