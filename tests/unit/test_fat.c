/* The FAT reader on volumes that are damaged: what it cannot follow is unknown, and never a
 * claim. analyze/image/fat.h, loaders.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/fat.h"
#include "analyze/image/loaders.h"
#include "tests/lib/tiny_fat.h"

#include "base/banned.h"

enum { SECTOR = TINY_SECTOR, FAT = TINY_TABLE, ROOT = TINY_ROOT, DATA = TINY_DATA };

struct bench {
	uint8_t p[TINY_SIZE];
	struct source src;
	struct arena a;
	struct err e;
	struct efi_volume v;
};

static uint8_t *cluster(struct bench *b, unsigned n)
{
	return tiny_cluster(b->p, n);
}

static void put_next(struct bench *b, unsigned n, unsigned next)
{
	tiny_put_next(b->p, n, next);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	tiny_fat(b->p);
	arena_init(&b->a, ARENA_BUDGET);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_free(&b->a);
	free(b);
	return 0;
}

static struct answer look(struct bench *b)
{
	struct look l = { .a = &b->a, .reads = 1000, .bytes = 1 << 20, .e = &b->e };

	b->src = source_of_bytes("fat", (struct view){ b->p, sizeof(b->p) });
	l.src = &b->src;
	efi_volume_read(&b->v, &l, 0, sizeof(b->p));
	assert_false(l.broken);
	return b->v.fallback[EFI_X64];
}

static void is_unknown(struct bench *b, const char *why)
{
	struct answer a = look(b);

	assert_int_equal(a.state, ANSWER_UNKNOWN);
	assert_string_equal(a.why, why);
}

static void a_loader_is_found(void **state)
{
	struct bench *b = *state;

	assert_int_equal(look(b).state, ANSWER_YES);
	assert_int_equal(b->v.fallback[EFI_X64].at.off, DATA + SECTOR);
	assert_int_equal(b->v.bits, 12);
	assert_string_equal(b->v.loader[0].path, "\\EFI\\BOOT\\BOOTX64.EFI");
	assert_int_equal(b->v.loader[0].pe.certificates.state, ANSWER_NO);
	assert_int_equal(b->v.fallback[EFI_AA64].state, ANSWER_NO);
}

static void what_ends_before_a_circle_is_known(void **state)
{
	struct bench *b = *state;

	/* The directory says that it has ended before its chain goes wrong. */
	put_next(b, 3, 3);
	assert_int_equal(look(b).state, ANSWER_YES);
	memset(cluster(b, 3), 0, 32);
	assert_int_equal(look(b).state, ANSWER_NO);
}

static void fill(struct bench *b, unsigned n)
{
	for (unsigned i = 0; i < SECTOR; i += 32)
		tiny_put_entry(cluster(b, n) + i, "OTHER   TXT", false, 0, 0);
}

static void a_circle_is_unknown(void **state)
{
	struct bench *b = *state;

	fill(b, 3);
	put_next(b, 3, 3);
	is_unknown(b, "its chain of clusters is a circle");
	fill(b, 6);
	fill(b, 7);
	put_next(b, 3, 6);
	put_next(b, 6, 7);
	put_next(b, 7, 6);
	is_unknown(b, "its chain of clusters is a circle");
	/* What was found before is there. */
	tiny_put_entry(cluster(b, 3), "BOOTX64 EFI", false, 4, SECTOR);
	assert_int_equal(look(b).state, ANSWER_YES);
}

static void a_chain_that_leads_nowhere_is_unknown(void **state)
{
	struct bench *b = *state;

	fill(b, 3);
	put_next(b, 3, 0);
	is_unknown(b, "its chain leads to a cluster that is free");
	put_next(b, 3, 0xff7);
	is_unknown(b, "its chain leads to a cluster that is marked bad");
	put_next(b, 3, 66);
	is_unknown(b, "its chain leads to a cluster that there is not");
	tiny_put_entry(cluster(b, 2), "BOOT       ", true, 900, 0);
	is_unknown(b, "it begins with a cluster that there is not");
}

static void a_file_without_its_clusters_is_unknown(void **state)
{
	struct bench *b = *state;

	tiny_put_entry(cluster(b, 3), "BOOTX64 EFI", false, 4, 5000);
	is_unknown(b, "it has fewer clusters than its size needs");
	tiny_put_entry(cluster(b, 3), "BOOTX64 EFI", false, 0, 5000);
	is_unknown(b, "it begins with a cluster that there is not");
}

static void a_volume_that_is_cut_off_is_unknown(void **state)
{
	struct bench *b = *state;
	struct look l = { .a = &b->a, .reads = 1000, .bytes = 1 << 20, .e = &b->e };

	b->src = source_of_bytes("fat", (struct view){ b->p, sizeof(b->p) });
	l.src = &b->src;
	/* Every length: never a no where there is a loader, never a crash. */
	for (uint64_t len = 512; len < sizeof(b->p); len += 100) {
		efi_volume_read(&b->v, &l, 0, len);
		l.reads = 1000;
		l.bytes = 1 << 20;
		assert_int_not_equal(b->v.fallback[EFI_X64].state, ANSWER_NO);
	}
}

static void reads_are_bounded(void **state)
{
	struct bench *b = *state;
	struct look l = { .a = &b->a, .reads = 3, .bytes = 1 << 20, .e = &b->e };

	b->src = source_of_bytes("fat", (struct view){ b->p, sizeof(b->p) });
	l.src = &b->src;
	efi_volume_read(&b->v, &l, 0, sizeof(b->p));
	assert_int_equal(b->v.fallback[EFI_X64].state, ANSWER_UNKNOWN);
	assert_int_equal(l.reads, 0);
}

static void put_long(uint8_t *e, unsigned number, uint8_t sum, const char *text)
{
	static const uint8_t at[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };

	memset(e, 0, 32);
	e[0] = (uint8_t)number;
	e[11] = 0x0f;
	e[13] = sum;
	for (size_t i = 0; i < 13; i++) {
		put_le16(e + at[i], i <= strlen(text) ? (uint8_t)text[i] : 0xffff);
	}
}

static void a_long_name_counts_with_its_checksum_only(void **state)
{
	struct bench *b = *state;
	uint8_t sum = 0, *e = cluster(b, 3);

	tiny_put_entry(e + 32, "LOADER~1EFI", false, 4, SECTOR);
	for (size_t i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + e[32 + i]);
	put_long(e, 0x41, sum, "bootx64.efi");
	assert_int_equal(look(b).state, ANSWER_YES);
	assert_string_equal(b->v.loader[0].path, "\\EFI\\BOOT\\bootx64.efi");
	put_long(e, 0x41, (uint8_t)(sum + 1), "bootx64.efi");
	assert_int_equal(look(b).state, ANSWER_NO);
	put_long(e, 0x42, sum, "bootx64.efi");
	assert_int_equal(look(b).state, ANSWER_NO);
}

static void certificates_past_the_end_are_unknown(void **state)
{
	struct bench *b = *state;
	uint8_t *dir = cluster(b, 4) + 64 + 24 + 108 + 4 + 32;

	put_le32(dir, 256);
	put_le32(dir + 4, 256);
	assert_int_equal(look(b).state, ANSWER_YES);
	assert_int_equal(b->v.loader[0].pe.certificates.state, ANSWER_YES);
	put_le32(dir + 4, 257);
	look(b);
	assert_int_equal(b->v.loader[0].pe.certificates.state, ANSWER_UNKNOWN);
}

/* Any byte of the metadata may be anything. */
static void no_byte_leads_astray(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < DATA + 3 * SECTOR; i++) {
		uint8_t was = b->p[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			b->p[i] = (uint8_t)(was ^ 1u << bit);
			look(b);
			arena_free(&b->a);
			arena_init(&b->a, ARENA_BUDGET);
		}
		b->p[i] = was;
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_loader_is_found),
		T(what_ends_before_a_circle_is_known),
		T(a_circle_is_unknown),
		T(a_chain_that_leads_nowhere_is_unknown),
		T(a_file_without_its_clusters_is_unknown),
		T(a_volume_that_is_cut_off_is_unknown),
		T(reads_are_bounded),
		T(a_long_name_counts_with_its_checksum_only),
		T(certificates_past_the_end_are_unknown),
		T(no_byte_leads_astray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
