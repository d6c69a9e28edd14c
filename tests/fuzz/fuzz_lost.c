/* Disks without a table, full of superblocks: the search for what was in their partitions, and
 * the table that is made of it.
 *
 * The input is a program. Its first byte chooses what is left of a table, its second one the
 * disk's size; then come steps of eight bytes: what, where (the grids on which partitions
 * begin, and a byte of any place), how long, and four bytes that are written over a part of
 * it. Checksums and numbers that must fit each other are put right, since no fuzzer guesses
 * them; what a step writes over them is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/unit.h"
#include "rewrite/prove.h"
#include "tests/lib/platter.h"
#include "tests/lib/touch_image.h"

enum {
	MIB = 1 << 20,
	SECTOR = 512,
	STEP = 8,
	STEPS_MAX = 64,

	/* the first byte */
	WITH_GPT = 1,
	KEEP_PROTECTIVE = 2, /* of it */
	KEEP_HEADER = 4,
	BOOT_CODE = 8,
	FOUR_K = 16,
	FIX = 32,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put(struct platter *d, uint64_t at, const void *p, size_t n)
{
	if (range_within(at, n, d->size))
		memcpy(d->p + at, p, n);
}

static void put16(struct platter *d, uint64_t at, uint16_t v)
{
	put(d, at, (uint8_t[]){ (uint8_t)v, (uint8_t)(v >> 8) }, 2);
}

static void put32(struct platter *d, uint64_t at, uint32_t v)
{
	put16(d, at, (uint16_t)v);
	put16(d, at + 2, (uint16_t)(v >> 16));
}

static void put32_be(struct platter *d, uint64_t at, uint32_t v)
{
	put32(d, at, __builtin_bswap32(v));
}

/* ---- what can stand there, `len` bytes long ---- */

static void put_ext(struct platter *d, uint64_t at, uint64_t len)
{
	put32(d, at + 1024, 64);
	put32(d, at + 1028, (uint32_t)(len / 4096));
	put32(d, at + 1048, 2);
	put32(d, at + 1056, 32768);
	put32(d, at + 1064, 64);
	put(d, at + 1080, "\x53\xef", 2);
	put(d, at + 1144, "root", 4);
}

static void put_fat(struct platter *d, uint64_t at, uint64_t len)
{
	put16(d, at + 11, SECTOR);
	put(d, at + 13, "\x04\x04\x00\x02", 4);
	put16(d, at + 17, 512);
	put(d, at + 21, "\xf8\x08", 2);
	put32(d, at + 32, (uint32_t)(len / SECTOR));
	put(d, at + 510, "\x55\xaa", 2);
	put(d, at + 2048, "\xf8\xff\xff\xff", 4);
	put(d, at + 12 * SECTOR, "\xf8\xff\xff\xff", 4);
	put(d, at + 20 * SECTOR, "EFI        \x10", 12);
}

static void put_swap(struct platter *d, uint64_t at, uint64_t len)
{
	put32(d, at + 1024, 1);
	put32(d, at + 1028, (uint32_t)(len / 4096 - 1));
	put(d, at + 4086, "SWAPSPACE2", 10);
}

static void put_xfs(struct platter *d, uint64_t at, uint64_t len)
{
	put(d, at, "XFSB", 4);
	put32_be(d, at + 4, 4096);
	put32_be(d, at + 12, (uint32_t)(len / 4096));
	put32_be(d, at + 84, (uint32_t)(len / 8192));
	put32_be(d, at + 88, 2);
	put(d, at + 102, "\x02\x00", 2);
	put(d, at + 512, "XAGF", 4);
	put(d, at + len / 8192 * 4096, "XFSB", 4);
}

static void put_ntfs(struct platter *d, uint64_t at, uint64_t len)
{
	put(d, at + 3, "NTFS    \x00\x02\x08", 11);
	put32(d, at + 40, (uint32_t)(len / SECTOR - 1));
	put32(d, at + 48, 4);
	put(d, at + 4 * 4096, "FILE", 4);
	put(d, at + len - SECTOR + 3, "NTFS    ", 8);
}

static void put_lvm(struct platter *d, uint64_t at, uint64_t len)
{
	uint32_t crc = 0xf597a6cf;

	put(d, at + 512, "LABELONE\x01", 9);
	put32(d, at + 512 + 20, 32);
	put32(d, at + 512 + 64, (uint32_t)len);
	if (!range_within(at, 1024, d->size))
		return;
	for (size_t i = 20; i < SECTOR; i++) {
		crc ^= d->p[at + SECTOR + i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	put32(d, at + 512 + 16, crc);
}

static void put_luks(struct platter *d, uint64_t at, uint64_t len)
{
	(void)len;
	put(d, at, "LUKS\xba\xbe\x00\x02", 8);
	put(d, at + 24, "secret", 6);
}

static void put_md(struct platter *d, uint64_t at, uint64_t len)
{
	put(d, at + 4096, "\xfc\x4e\x2b\xa9\x01\0\0\0", 8);
	put32(d, at + 4096 + 128, 64);
	put32(d, at + 4096 + 136, (uint32_t)(len / SECTOR));
	put32(d, at + 4096 + 144, 8);
}

static void put_btrfs(struct platter *d, uint64_t at, uint64_t len)
{
	put(d, at + 65600, "_BHRfS_M", 8);
	put32(d, at + 65536 + 48, 65536);
	put32(d, at + 65536 + 209, (uint32_t)len);
}

static void put_grub(struct platter *d, uint64_t at, uint64_t len)
{
	put(d, at + 100, "loading", 7);
	put(d, at + 120, "Geom", 4);
	put32(d, at + 500, (uint32_t)(at / SECTOR) + 1);
	put16(d, at + 508, (uint16_t)(len / SECTOR));
}

static void put_opaque(struct platter *d, uint64_t at, uint64_t len)
{
	(void)len;
	put(d, at + 3, "ReFS\0\0\0\0", 8);
}

static void (*const contents[])(struct platter *d, uint64_t at, uint64_t len) = {
	put_ext,  put_fat, put_swap,  put_xfs,  put_ntfs,   put_lvm,
	put_luks, put_md,  put_btrfs, put_grub, put_opaque,
};

/* ---- programs ---- */

static uint64_t place_of(const struct platter *d, uint8_t grid, uint8_t n)
{
	switch (grid % 5) {
	case 0:
		return (uint64_t)n % (d->size / MIB + 1) * MIB;
	case 1:
		return (34 + n) * SECTOR;
	case 2:
		return n * 4096u;
	case 3:
		return (uint64_t)n * 16065 * SECTOR + (n & 1 ? 63 * SECTOR : 0);
	default:
		return d->size - (uint64_t)n * SECTOR;
	}
}

static void step(struct platter *d, struct view s)
{
	uint64_t at = place_of(d, view_u8(s, 1), view_u8(s, 2));
	uint64_t len =
		(uint64_t)view_u8(s, 3) * (MIB / 16) + (view_u8(s, 0) & 0x80 ? 512 : 0);
	unsigned what = view_u8(s, 0) & 0x7f;

	if (what < sizeof(contents) / sizeof(contents[0]))
		contents[what](d, at, u64_max(len, 8192));
	else
		put(d, at + what * 8, s.p + 4, 4);
}

static void put_remains(struct platter *d, unsigned flags)
{
	if (flags & WITH_GPT)
		platter_put_gpt(d);
	if (flags & WITH_GPT && !(flags & KEEP_PROTECTIVE))
		memset(d->p, 0, SECTOR);
	if (!(flags & KEEP_HEADER))
		memset(platter_primary(d), 0, d->ss);
	if (flags & WITH_GPT) {
		memset(d->p + 2 * d->ss, 0, (size_t)platter_array_sectors(d) * d->ss);
		memset(d->p + d->size - 33 * SECTOR, 0, 33 * SECTOR);
	}
	if (flags & BOOT_CODE) {
		memcpy(d->p, "boot code", 9);
		memcpy(d->p + 510, "\x55\xaa", 2);
	}
}

/* The whole way: what is planned holds what prove.h promises, and gives a disk with a table. */
static void mend(const struct unit *u)
{
	struct mend_policy policy = { .level = FIX_LOSSY };
	struct arena a;
	struct mend m;
	struct err e = { 0 };

	arena_init(&a, ARENA_BUDGET);
	if (mend_plan(&m, u, &policy, &a, &e) == 0) {
		for (size_t i = 0; u->image->lost && i < m.plan.edits.n; i++) {
			struct span at = m.plan.edits.v[i].at;

			for (size_t k = 0; k < u->image->lost->nparts; k++) {
				const struct lost_part *p = &u->image->lost->part[k];

				BUG_ON(at.off < p->end && p->off < span_end(at));
			}
		}
	}
	mend_free(&m);
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct host host = { 0 };
	struct view v = { data, n };
	struct platter d;
	struct unit u;
	unsigned flags;

	if (n < 2 + STEP)
		return -1;
	flags = view_u8(v, 0);
	platter_init(&d,
		     2 * MIB + (view_u8(v, 1) & 7) * MIB +
			     (view_u8(v, 1) & 8 ? SECTOR : 0) +
			     (view_u8(v, 1) & 16 ? 77 : 0),
		     flags & FOUR_K ? 4096 : 512);
	put_remains(&d, flags);
	for (size_t i = 0; i < STEPS_MAX && view_has(v, 2 + i * STEP, STEP); i++)
		step(&d, view_cut(v, 2 + i * STEP, STEP));
	platter_image(&d);
	unit_read(&u, &d.src, NULL, &host);
	unit_close(&u);
	unit_read(&u, &d.src, format_find("raw"), &host);
	BUG_ON(u.state != UNIT_READ);
	touch_image(u.image, &d.arena);
	if (flags & FIX)
		mend(&u);
	BUG_ON(u.arena.used > ARENA_BUDGET);
	unit_close(&u);
	platter_free(&d);
	return 0;
}
