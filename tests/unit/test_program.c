/* What a file is that QEMU loads by itself, and a firmware's boot entries: by bytes that are
 * written out here. analyze/image/program.h, nvram.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "analyze/image/nvram.h"
#include "analyze/image/program.h"

#include "base/banned.h"

enum { HEAD = 1024, VARS = 4096, HEADER = 72, STORE = 28, VARIABLE = 60 };

static struct program of(const uint8_t *p, size_t n)
{
	return program_of_head((struct view){ p, n });
}

static void put_at(uint8_t *p, size_t off, const char *bytes, size_t n)
{
	memcpy(p + off, bytes, n);
}

static void a_kernel_for_x86_says_how_many_bits_it_has(void **state)
{
	uint8_t p[HEAD] = { 0 };

	(void)state;
	put_at(p, 0x1fe, "\x55\xaa", 2);
	put_at(p, 0x202, "HdrS", 4);
	put_le16(p + 0x206, 0x20b);
	put_le16(p + 0x236, 1);
	assert_int_equal(of(p, HEAD).kind, PROGRAM_KERNEL);
	/* The flag is one of 2.12. */
	assert_int_equal(of(p, HEAD).arch, EFI_IA32);
	put_le16(p + 0x206, 0x20c);
	assert_int_equal(of(p, HEAD).arch, EFI_X64);
}

static void a_kernel_that_is_cut_off_is_none(void **state)
{
	uint8_t p[HEAD] = { 0 };

	(void)state;
	put_at(p, 0x1fe, "\x55\xaa", 2);
	put_at(p, 0x202, "HdrS", 4);
	for (size_t n = 0; n < 0x208; n++)
		assert_int_equal(of(p, n).kind, PROGRAM_UNKNOWN);
}

static void each_machine_has_its_own_kernels(void **state)
{
	static const struct {
		size_t off;
		const char *magic;
		enum efi_arch arch;
	} all[] = { { 56, "ARM\x64", EFI_AA64 },
		    { 56, "RSC\x05", EFI_RISCV64 },
		    { 0x24, "\x18\x28\x6f\x01", EFI_ARM } };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t p[HEAD] = { 0 };

		put_at(p, all[i].off, all[i].magic, 4);
		assert_int_equal(of(p, HEAD).kind, PROGRAM_KERNEL);
		assert_int_equal(of(p, HEAD).arch, all[i].arch);
	}
}

static void machines_of_64_bits_run_code_of_32(void **state)
{
	struct program p = { .kind = PROGRAM_KERNEL, .arch = EFI_IA32 };

	(void)state;
	assert_true(program_runs_on(&p, EFI_X64));
	p.arch = EFI_X64;
	assert_false(program_runs_on(&p, EFI_IA32));
	p.arch = EFI_AA64;
	assert_false(program_runs_on(&p, EFI_X64));
	p.arch = EFI_ARCHES;
	assert_true(program_runs_on(&p, EFI_X64));
}

static void what_is_packed_is_known_by_its_magic(void **state)
{
	uint8_t p[HEAD] = { 0 };

	(void)state;
	put_at(p, 0, "070701", 6);
	assert_int_equal(of(p, HEAD).kind, PROGRAM_ARCHIVE);
	put_at(p, 0, "\x1f\x8b\x08\0\0\0", 6);
	assert_int_equal(of(p, HEAD).kind, PROGRAM_PACKED);
	memset(p, 0, sizeof(p));
	assert_int_equal(of(p, HEAD).kind, PROGRAM_UNKNOWN);
}

/* ---- variables ---- */

struct bench {
	uint8_t p[VARS];
	struct source src;
	struct arena a, scratch;
	struct look look;
	struct err e;
	size_t end;
};

static int setup(void **state)
{
	static const uint8_t volume[] = {
		0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
		0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50
	};
	static const uint8_t store[] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
					 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	arena_init(&b->a, ARENA_BUDGET);
	arena_init(&b->scratch, ARENA_BUDGET);
	memset(b->p, 0xff, sizeof(b->p));
	memset(b->p, 0, HEADER);
	memcpy(b->p + 16, volume, 16);
	put_le64(b->p + 32, VARS);
	memcpy(b->p + 40, "_FVH", 4);
	put_le16(b->p + 48, HEADER);
	memcpy(b->p + HEADER, store, 16);
	put_le32(b->p + HEADER + 16, VARS - HEADER);
	b->p[HEADER + 20] = 0x5a;
	b->p[HEADER + 21] = 0xfe;
	b->end = HEADER + STORE;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_free(&b->a);
	arena_free(&b->scratch);
	free(b);
	return 0;
}

static void put_wide(uint8_t *p, const char *s)
{
	for (size_t i = 0; s[i]; i++)
		put_le16(p + 2 * i, (uint8_t)s[i]);
}

/* Boot0001 "ab" from a partition whose GUID is all of one byte; its data. */
static uint8_t *add_entry(struct bench *b, uint8_t guid)
{
	static const uint8_t global[] = {
		0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
		0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c
	};
	uint8_t *v = b->p + b->end, *data = v + VARIABLE + 18, *path = data + 12;

	memset(v, 0, 160);
	put_le16(v, 0x55aa);
	v[2] = 0x3f;
	put_le32(v + 36, 18);
	put_le32(v + 40, 12 + 46);
	memcpy(v + 44, global, 16);
	put_wide(v + VARIABLE, "Boot0001");
	put_le32(data, 1);
	put_le16(data + 4, 46);
	put_wide(data + 6, "ab");
	path[0] = 4;
	path[1] = 1;
	put_le16(path + 2, 42);
	memset(path + 24, guid, 16);
	path[40] = path[41] = 2;
	memcpy(path + 42, "\x7f\xff\4\0", 4);
	b->end += (VARIABLE + 18 + 12 + 46 + 3) & ~3u;
	return v;
}

static const struct nvram *look_at(struct bench *b)
{
	b->src = (struct source){
		.path = "vars.fd", .fd = -1, .mem = { b->p, VARS }, .size = VARS
	};
	b->look = (struct look){
		.src = &b->src, .a = &b->a, .reads = 1, .bytes = VARS, .e = &b->e
	};
	return nvram_read(&b->look, (struct view){ b->p, VARS }, &b->scratch);
}

static void an_entry_leads_to_its_partition(void **state)
{
	struct bench *b = *state;
	const struct nvram *n;

	add_entry(b, 0x11);
	n = look_at(b);
	assert_non_null(n);
	assert_true(n->complete);
	assert_int_equal(n->nentries, 1);
	assert_int_equal(n->entry[0].number, 1);
	assert_true(str_is(n->entry[0].name, "ab"));
	assert_true(n->entry[0].active);
	assert_true(n->entry[0].has_partition);
	assert_int_equal(n->entry[0].partition.b[15], 0x11);
	assert_int_equal(b->p[n->entry[0].partition_at.off], 0x11);
}

static void a_deleted_entry_is_none(void **state)
{
	struct bench *b = *state;

	add_entry(b, 0x11)[2] = 0x3c;
	add_entry(b, 0x22);
	assert_int_equal(look_at(b)->nentries, 1);
	assert_int_equal(look_at(b)->entry[0].partition.b[0], 0x22);
}

static void lengths_that_lead_out_of_the_store_end_it(void **state)
{
	struct bench *b = *state;

	put_le32(add_entry(b, 0x11) + 40, 0xfffffff0);
	assert_false(look_at(b)->complete);
	assert_int_equal(look_at(b)->nentries, 0);
}

static void a_store_that_is_not_there_is_not_known(void **state)
{
	struct bench *b = *state;

	put_le32(b->p + HEADER + 16, VARS);
	assert_null(look_at(b));
	put_le16(b->p + 48, 0xfff0);
	assert_null(look_at(b));
}

#define VARS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_for_x86_says_how_many_bits_it_has),
		cmocka_unit_test(a_kernel_that_is_cut_off_is_none),
		cmocka_unit_test(each_machine_has_its_own_kernels),
		cmocka_unit_test(machines_of_64_bits_run_code_of_32),
		cmocka_unit_test(what_is_packed_is_known_by_its_magic),
		VARS_TEST(an_entry_leads_to_its_partition),
		VARS_TEST(a_deleted_entry_is_none),
		VARS_TEST(lengths_that_lead_out_of_the_store_end_it),
		VARS_TEST(a_store_that_is_not_there_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
