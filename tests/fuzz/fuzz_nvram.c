/* Any bytes as a firmware's variables, and as what QEMU loads by itself: what is found lies in
 * the file, and twice the same. The first byte says whether a right header is put in front.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/nvram.h"
#include "analyze/image/program.h"

#include <stdlib.h>

#include "base/banned.h"

enum { HEADER = 72, STORE = 28 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t volume[] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
				  0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50 };
static const uint8_t stores[2][16] = {
	{ 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e,
	  0xc3, 0x77, 0x92 },
	{ 0x16, 0x36, 0xcf, 0xdd, 0x75, 0x32, 0x64, 0x41, 0x98, 0xb6, 0xfe, 0x85, 0x70,
	  0x7f, 0xfe, 0x7d },
};

static void put_headers(uint8_t *p, size_t n, unsigned kind)
{
	memset(p, 0, HEADER + STORE);
	memcpy(p + 16, volume, sizeof(volume));
	put_le64(p + 32, n);
	memcpy(p + 40, "_FVH", 4);
	put_le16(p + 48, HEADER);
	memcpy(p + HEADER, stores[kind], sizeof(stores[kind]));
	put_le32(p + HEADER + 16, (uint32_t)(n - HEADER));
	p[HEADER + 20] = 0x5a;
	p[HEADER + 21] = 0xfe;
}

static void check(const struct nvram *n, uint64_t size)
{
	BUG_ON(n->nentries > NVRAM_ENTRIES_MAX);
	for (size_t i = 0; i < n->nentries; i++) {
		const struct nvram_entry *e = &n->entry[i];

		BUG_ON(!range_within(e->at.off, e->at.len, size));
		if (e->has_partition) {
			BUG_ON(e->partition_at.len != GPT_GUID_SIZE ||
			       e->partition_at.off < e->at.off ||
			       span_end(e->partition_at) > span_end(e->at));
		}
	}
}

static size_t read_once(const uint8_t *p, size_t n)
{
	struct source src = { .path = "x", .fd = -1, .mem = { p, n }, .size = n };
	struct arena a, scratch;
	struct err e;
	struct look look = {
		.src = &src, .a = &a, .reads = 1, .bytes = NVRAM_STORE_MAX, .e = &e
	};
	const struct nvram *v;
	size_t found = 0;

	arena_init(&a, ARENA_BUDGET);
	arena_init(&scratch, ARENA_BUDGET);
	v = nvram_read(&look, src.mem, &scratch);
	if (v) {
		check(v, n);
		found = v->nentries;
	}
	arena_free(&a);
	arena_free(&scratch);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct program one, two;
	size_t size;
	uint8_t *p;

	if (n == 0)
		return 0;
	size = n - 1 + (data[0] & 2 ? HEADER + STORE : 0);
	p = malloc(size + 1);
	BUG_ON(!p);
	memcpy(p + size - (n - 1), data + 1, n - 1);
	if (data[0] & 2)
		put_headers(p, size, data[0] & 1);
	one = program_of_head((struct view){ p, size });
	two = program_of_head((struct view){ p, size });
	BUG_ON(one.kind != two.kind || one.arch != two.arch);
	BUG_ON(one.kind != PROGRAM_UNKNOWN &&
	       !range_within(one.at.off, one.at.len, size));
	BUG_ON(read_once(p, size) != read_once(p, size));
	free(p);
	return 0;
}
