/* What a disk boots, on disks of some sectors: boot sectors by their words, what they start,
 * and what UEFI makes of a table. analyze/image/boot.h, boot_code.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/boot.h"
#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/tiny_fat.h"

#include "base/banned.h"

enum { SIZE = 256 << 10, FAT_LBA = 64, ACTIVE = 0x80 };

struct bench {
	struct platter d;
	struct unit u;
	struct host host;
	struct boot boot;
	struct err e;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	platter_init(&b->d, SIZE, 512);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	if (b->u.format)
		unit_close(&b->u);
	platter_free(&b->d);
	free(b);
	return 0;
}

static const struct boot *look(struct bench *b)
{
	if (b->u.format)
		unit_close(&b->u);
	platter_image(&b->d);
	unit_read(&b->u, &b->d.src, format_find("raw"), &b->host);
	assert_int_equal(b->u.state, UNIT_READ);
	assert_int_equal(boot_read(b->u.image, &b->boot, &b->u.arena, &b->e), 0);
	return &b->boot;
}

static void is_bios(struct bench *b, enum answer_state state, const char *why)
{
	const struct boot *boot = look(b);

	assert_int_equal(boot->bios.state, state);
	if (why)
		assert_string_equal(boot->bios.why, why);
}

/* A DOS label with one partition, at FAT_LBA. */
static uint8_t *put_label(struct bench *b, uint8_t boot)
{
	platter_put_entry(b->d.p, 0, 0x0c, FAT_LBA, TINY_SECTORS);
	b->d.p[446] = boot;
	return platter_lba(&b->d, FAT_LBA);
}

static void put_words(uint8_t *sector, size_t off, const char *words, size_t n)
{
	sector[0] = 0xeb;
	memcpy(sector + off, words, n);
}

#define WORDS(sector, off, words) put_words((sector), (off), (words), sizeof(words) - 1)

static void put_grub(struct bench *b, uint64_t core)
{
	WORDS(b->d.p, 0x180, "GRUB \0Geom\0Hard Disk\0Read\0 Error");
	put_le64(b->d.p + 0x5c, core);
}

/* ---- BIOS ---- */

static void zeros_start_nothing(void **state)
{
	struct bench *b = *state;

	put_label(b, 0);
	is_bios(b, ANSWER_NO, "there is no boot code in its first sector");
	assert_int_equal(b->boot.first.code, BOOT_CODE_NONE);
}

static void code_without_55_aa_is_not_started(void **state)
{
	struct bench *b = *state;

	put_grub(b, 1);
	is_bios(b, ANSWER_NO, "its first sector does not end with 55 AA");
}

static void grub_needs_what_its_sector_points_to(void **state)
{
	struct bench *b = *state;

	put_label(b, 0);
	put_grub(b, 1);
	is_bios(b, ANSWER_NO, "GRUB's boot sector points to zeros");
	platter_lba(&b->d, 1)[100] = 1;
	is_bios(b, ANSWER_YES, NULL);
	put_grub(b, 0);
	is_bios(b, ANSWER_NO, "GRUB's boot sector points nowhere");
	put_grub(b, SIZE / 512);
	is_bios(b, ANSWER_NO, "GRUB's boot sector points past the disk");
	put_grub(b, UINT64_MAX / 256);
	is_bios(b, ANSWER_NO, "GRUB's boot sector points nowhere");
}

static void a_chain_ends_where_none_is_active(void **state)
{
	struct bench *b = *state;

	put_label(b, 0);
	WORDS(b->d.p, 200, "Missing operating system");
	is_bios(b, ANSWER_NO,
		"its boot code starts the active partition, and none is active");
}

static void a_chain_goes_as_far_as_its_boot_record(void **state)
{
	struct bench *b = *state;
	uint8_t *record = put_label(b, ACTIVE);

	WORDS(b->d.p, 200, "Missing operating system");
	is_bios(b, ANSWER_NO, "the partition that it starts has no boot record");
	record[510] = 0x55;
	record[511] = 0xaa;
	is_bios(b, ANSWER_NO, "the partition that it starts has no boot code");
	WORDS(record, 3, "SYSLINUX");
	is_bios(b, ANSWER_YES, NULL);
	memset(record, 0, 510);
	WORDS(record, 200, "whatever this is");
	is_bios(b, ANSWER_UNKNOWN, "the partition's boot code is not known");
	WORDS(record, 200, "This is not a bootable disk");
	is_bios(b, ANSWER_NO, "the partition that it starts has no boot code");
}

static void what_is_not_known_is_not_denied(void **state)
{
	struct bench *b = *state;

	put_label(b, 0);
	WORDS(b->d.p, 0, "\xeb\x10 somebody's own loader");
	is_bios(b, ANSWER_UNKNOWN, "its boot code is not known");
}

static void gptmbr_starts_what_the_gpt_marks(void **state)
{
	struct bench *b = *state;
	uint8_t *entry, *record;

	platter_put_gpt(&b->d);
	WORDS(b->d.p, 100, "!GPT");
	is_bios(b, ANSWER_NO,
		"its boot code starts the partition that the GPT marks, and it marks "
		"none");
	for (unsigned i = 0; i < 2; i++) {
		entry = platter_lba(&b->d, i ? platter_sectors(&b->d) - 33 : 2);
		entry[48] = 1 << 2;
		platter_seal(&b->d, i ? platter_backup(&b->d) : platter_primary(&b->d));
	}
	record = platter_lba(&b->d, 34);
	record[510] = 0x55;
	record[511] = 0xaa;
	WORDS(record, 3, "SYSLINUX");
	is_bios(b, ANSWER_YES, NULL);
}

/* ---- UEFI ---- */

static void a_loader_in_a_partition_is_started(void **state)
{
	struct bench *b = *state;
	const struct boot *boot;

	tiny_fat(put_label(b, 0));
	boot = look(b);
	assert_int_equal(boot->uefi[EFI_X64].state, ANSWER_YES);
	assert_int_equal(boot->uefi[EFI_AA64].state, ANSWER_NO);
	assert_int_equal(boot->other.state, ANSWER_NO);
	assert_int_equal(boot->windows.state, ANSWER_NO);
	assert_int_equal(boot->nvolumes, 1);
	assert_int_equal(boot->volumes[0].number, 1);
}

static void a_whole_disk_of_fat_is_started(void **state)
{
	struct bench *b = *state;

	tiny_fat(b->d.p);
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_YES);
	assert_int_equal(b->boot.volumes[0].number, 0);
}

static void put_gpt_with_fat(struct bench *b)
{
	platter_put_gpt(&b->d);
	tiny_fat(platter_lba(&b->d, 34));
}

static void a_gpt_counts_only_when_it_is_protected(void **state)
{
	struct bench *b = *state;

	put_gpt_with_fat(b);
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_YES);
	b->d.p[446] = ACTIVE;
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_UNKNOWN);
	memset(b->d.p + 446, 0, 16);
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_NO);
	assert_non_null(b->boot.uefi[EFI_X64].why);
}

static void either_copy_of_a_gpt_will_do(void **state)
{
	struct bench *b = *state;

	put_gpt_with_fat(b);
	platter_primary(&b->d)[0] = 0;
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_YES);
	platter_backup(&b->d)[0] = 0;
	assert_int_not_equal(look(b)->uefi[EFI_X64].state, ANSWER_YES);
}

static void a_partition_may_be_hidden_from_firmware(void **state)
{
	struct bench *b = *state;

	put_gpt_with_fat(b);
	for (unsigned i = 0; i < 2; i++) {
		platter_lba(&b->d, i ? platter_sectors(&b->d) - 33 : 2)[48] = 1 << 1;
		platter_seal(&b->d, i ? platter_backup(&b->d) : platter_primary(&b->d));
	}
	assert_int_equal(look(b)->uefi[EFI_X64].state, ANSWER_NO);
}

/* ---- words ---- */

static void words_in_the_table_are_no_code(void **state)
{
	uint8_t sector[512] = { 0 };
	size_t off, len;

	(void)state;
	memset(sector + 440, 0x11, 70);
	assert_int_equal(boot_code_of((struct view){ sector, 512 }, false, &off, &len),
			 BOOT_CODE_NONE);
	/* A boot record has no table, and what is before its code is not code either. */
	assert_int_equal(boot_code_of((struct view){ sector, 512 }, true, &off, &len),
			 BOOT_CODE_OTHER);
	memset(sector, 0, 512);
	memset(sector + 3, 0x11, 80);
	assert_int_equal(boot_code_of((struct view){ sector, 512 }, true, &off, &len),
			 BOOT_CODE_NONE);
	assert_int_equal(off, BOOT_CODE_RECORD);
}

static void words_are_found_where_they_stand(void **state)
{
	static const char words[] = "isolinux.bin missing or corrupt";
	uint8_t sector[512] = { 0 };
	size_t off, len;

	(void)state;
	/* To the last byte of the sector, and not behind it. */
	memcpy(sector + 512 - (sizeof(words) - 1), words, sizeof(words) - 1);
	sector[0] = 0x33;
	assert_int_equal(boot_code_of((struct view){ sector, 512 }, false, &off, &len),
			 BOOT_CODE_ISOLINUX);
	assert_int_equal(off + len, 512);
	sector[511] = 0;
	assert_int_equal(boot_code_of((struct view){ sector, 512 }, false, &off, &len),
			 BOOT_CODE_OTHER);
}

static void each_code_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= BOOT_CODE_OTHER; i++)
		assert_true(strlen(boot_code_name((enum boot_code)i)) > 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(zeros_start_nothing),
		T(code_without_55_aa_is_not_started),
		T(grub_needs_what_its_sector_points_to),
		T(a_chain_ends_where_none_is_active),
		T(a_chain_goes_as_far_as_its_boot_record),
		T(what_is_not_known_is_not_denied),
		T(gptmbr_starts_what_the_gpt_marks),
		T(a_loader_in_a_partition_is_started),
		T(a_whole_disk_of_fat_is_started),
		T(a_gpt_counts_only_when_it_is_protected),
		T(either_copy_of_a_gpt_will_do),
		T(a_partition_may_be_hidden_from_firmware),
		cmocka_unit_test(words_in_the_table_are_no_code),
		cmocka_unit_test(words_are_found_where_they_stand),
		cmocka_unit_test(each_code_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
