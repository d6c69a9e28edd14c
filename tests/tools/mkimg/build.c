/* What a recipe describes, as bytes of the image: MBR, EBR chain and GPT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/recipe.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

void put(const struct recipe *r, uint64_t off, const void *p, size_t n)
{
	if (!range_within(off, n, r->size))
		die(r, "%zu bytes at %" PRIu64 " lie outside of the image's %" PRIu64, n,
		    off, r->size);
	if (pwrite(r->fd, p, n, (off_t)off) != (ssize_t)n)
		die(r, "cannot write: %s", strerror(errno));
}

void get(const struct recipe *r, uint64_t off, void *p, size_t n)
{
	if (!range_within(off, n, r->size))
		die(r, "%zu bytes at %" PRIu64 " lie outside of the image's %" PRIu64, n,
		    off, r->size);
	if (pread(r->fd, p, n, (off_t)off) != (ssize_t)n)
		die(r, "cannot read back: %s", strerror(errno));
}

void *zeros(const struct recipe *r, uint64_t n)
{
	void *p = n <= (64 << 20) ? calloc((size_t)n + 1, 1) : NULL;

	if (!p)
		die(r, "%" PRIu64 " bytes at once are too many", n);
	return p;
}

uint8_t *random_bytes(const struct recipe *r, uint64_t n, uint64_t seed, bool gaps)
{
	uint8_t *p = zeros(r, n);

	for (uint64_t i = 0; i < n; i++) { /* splitmix64 */
		uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		if (!gaps || i / 128 % 2 == 0)
			p[i] = (uint8_t)(z ^ (z >> 31));
	}
	return p;
}

/* ---- building the MBR ---- */

static void mbr_entry_bytes(const struct extent *x, uint64_t lba, uint8_t *p)
{
	p[0] = x->boot;
	/* Beyond what CHS can say; readers have used the LBA for thirty years. */
	memcpy(p + 1, x->mbr_type == 0xee ? "\x00\x02\x00" : "\xfe\xff\xff", 3);
	p[4] = x->mbr_type;
	memcpy(p + 5, x->mbr_type == 0xee ? "\xff\xff\xff" : "\xfe\xff\xff", 3);
	put_le32(p + 8, (uint32_t)lba);
	put_le32(p + 12, (uint32_t)x->sectors);
}

const struct extent *extended(const struct recipe *r)
{
	for (int i = 0; i < 4; i++) {
		uint8_t t = r->entry[i].mbr_type;

		if (r->entry[i].used && (t == 0x05 || t == 0x0f || t == 0x85))
			return &r->entry[i];
	}
	die(r, "logical needs an extended entry (type 0x05, 0x0f or 0x85) before it");
}

static void build_logicals(const struct recipe *r)
{
	const struct extent *ext = r->nlogical ? extended(r) : NULL;

	for (unsigned i = 0; i < r->nlogical; i++) {
		const struct extent *x = &r->logical[i];
		uint8_t s[512] = { 0 };

		mbr_entry_bytes(x, x->start - x->ebr, s + 446);
		if (i + 1 < r->nlogical) {
			const struct extent *next = x + 1;
			struct extent link = { .mbr_type = 5,
					       .sectors = next->start + next->sectors -
							  next->ebr };

			mbr_entry_bytes(&link, next->ebr - ext->start, s + 462);
		}
		put_le16(s + 510, 0xaa55);
		put(r, x->ebr * r->ss, s, sizeof(s));
	}
}

static void build_mbr(const struct recipe *r)
{
	const struct extent *p = &r->protective;
	bool any = r->gpt.wanted || p->used || r->has_code || r->has_signature;
	uint8_t s[512];

	for (int i = 0; i < 4; i++)
		any |= r->entry[i].used;
	if (r->no_mbr || !any)
		return;
	get(r, 0, s, sizeof(s));
	if (r->has_code)
		memcpy(s, r->code, sizeof(r->code));
	if (r->has_signature)
		put_le32(s + 440, r->signature);
	memset(s + 446, 0, 64);
	for (unsigned i = 0; i < 4; i++) {
		const struct extent *x = &r->entry[i];

		if (p->used && r->protective_slot == i)
			x = p;
		if (x->used)
			mbr_entry_bytes(x, x->start, s + 446 + 16 * i);
	}
	put_le16(s + 510, 0xaa55);
	put(r, 0, s, sizeof(s));
	build_logicals(r);
}

/* ---- building the GPT ---- */

uint64_t header_lba(const struct gpt_plan *g, bool backup)
{
	return backup ? g->sectors - 1 : 1;
}

uint64_t entries_lba(const struct gpt_plan *g, bool backup)
{
	return backup ? g->sectors - 1 - g->array_sectors : 2;
}

static void build_copy(const struct recipe *r, const uint8_t *entries, bool backup)
{
	const struct gpt_plan *g = &r->gpt;
	uint64_t n = g->nentries * g->entry_size;
	uint8_t h[4096] = { 0 };

	memcpy(h, "EFI PART", 8);
	put_le32(h + 8, 0x10000);
	put_le32(h + 12, 92);
	put_le64(h + 24, header_lba(g, backup));
	put_le64(h + 32, header_lba(g, !backup));
	put_le64(h + 40, g->first);
	put_le64(h + 48, g->last);
	memcpy(h + 56, g->guid, 16);
	put_le64(h + 72, entries_lba(g, backup));
	put_le32(h + 80, (uint32_t)g->nentries);
	put_le32(h + 84, (uint32_t)g->entry_size);
	put_le32(h + 88, crc32_of((struct view){ entries, (size_t)n }));
	put_le32(h + 16, crc32_of((struct view){ h, 92 }));
	put(r, entries_lba(g, backup) * r->ss, entries,
	    (size_t)(g->array_sectors * r->ss));
	put(r, header_lba(g, backup) * r->ss, h, r->ss);
}

static void build_gpt(struct recipe *r)
{
	const struct gpt_plan *g = &r->gpt;
	uint8_t *entries = zeros(r, g->array_sectors * r->ss);

	for (unsigned i = 0; i < PARTS_MAX; i++) {
		const struct extent *x = &r->part[i];
		uint8_t *p = entries + i * g->entry_size;

		if (!x->used)
			continue;
		memcpy(p, x->type, 16);
		memcpy(p + 16, x->guid, 16);
		put_le64(p + 32, x->start);
		put_le64(p + 40, x->start + x->sectors - 1);
		put_le64(p + 48, x->attr);
		memcpy(p + 56, x->name, sizeof(x->name));
	}
	build_copy(r, entries, true);
	build_copy(r, entries, false);
	r->gpt.built = true;
	r->gpt_ss = r->ss;
	free(entries);
}

void build(struct recipe *r)
{
	if (!r->dirty)
		return;
	r->dirty = false;
	if (r->gpt.wanted)
		build_gpt(r);
	build_mbr(r);
}
