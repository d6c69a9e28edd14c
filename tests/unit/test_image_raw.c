/* What is recognised as a disk image and what is not, and that our readers see in images of
 * other programs what those programs put there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/tool.h"
#include "tests/lib/touch_image.h"

#include "base/banned.h"

enum { MIB = 1 << 20 };

static const struct host no_host;

/* The name of the format that the disk is recognised as, or "". */
static const char *format_of(struct platter *d)
{
	const char *name;
	struct unit u;

	platter_image(d);
	unit_read(&u, &d->src, NULL, &no_host);
	name = u.format ? u.format->name : "";
	unit_close(&u);
	return name;
}

static void init_gpt(struct platter *d)
{
	platter_init(d, MIB, 512);
	platter_put_gpt(d);
}

/* ---- what is one ---- */

static void a_header_at_any_sector_size_is_a_disk(void **state)
{
	(void)state;
	for (uint32_t ss = 512; ss <= 4096; ss *= 2) {
		struct platter d;

		platter_init(&d, MIB, ss);
		platter_put_gpt(&d);
		memset(d.p, 0, 512);
		memset(platter_backup(&d), 0, ss);
		assert_string_equal(format_of(&d), "raw");
		/* The backup alone will do as well. */
		platter_put_gpt(&d);
		memset(d.p, 0, ss * 2);
		assert_string_equal(format_of(&d), "raw");
		platter_free(&d);
	}
}

static void a_broken_backup_alone_is_nothing(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	/* Entries without a header would be something. */
	memset(d.p, 0, 34 * 512);
	memset(platter_backup(&d) - 32 * 512, 0, 32 * 512);
	platter_backup(&d)[40] ^= 1;
	assert_string_equal(format_of(&d), "");
	platter_free(&d);
}

static void a_partition_sector_is_a_disk(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_entry(d.p, 2, 0x83, 63, 4000);
	assert_string_equal(format_of(&d), "raw");
	/* All that it names lies past the end: somebody's copy of a first sector. */
	platter_put_entry(d.p, 2, 0x83, 2048, 4000);
	assert_string_equal(format_of(&d), "");
	platter_free(&d);
}

static void a_protective_entry_alone_is_a_disk(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	platter_put_protective(&d);
	assert_string_equal(format_of(&d), "raw");
	platter_free(&d);
}

/* ---- what is none ---- */

static void what_is_too_small_for_a_disk_is_none(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, (64 << 10) - 1);
	assert_string_equal(format_of(&d), "");
	platter_resize(&d, 64 << 10);
	assert_string_equal(format_of(&d), "raw");
	platter_free(&d);
}

static void other_files_are_none(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	assert_string_equal(format_of(&d), "");
	memset(d.p, 'a', MIB);
	assert_string_equal(format_of(&d), "");
	memcpy(d.p,
	       "\x7f"
	       "ELF",
	       4);
	assert_string_equal(format_of(&d), "");
	platter_free(&d);
}

static void a_linux_kernel_is_none(void **state)
{
	struct platter d;

	(void)state;
	platter_init(&d, MIB, 512);
	memcpy(d.p, "MZ", 2);
	platter_put_entry(d.p, 3, 0x01, 0, 0xffff);
	assert_string_equal(format_of(&d), "raw");
	memcpy(d.p + 514, "HdrS", 4);
	assert_string_equal(format_of(&d), "");
	platter_free(&d);
}

static void a_disk_with_a_footer_is_another_format(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	platter_resize(&d, MIB + 512);
	assert_string_equal(format_of(&d), "raw");
	memcpy(platter_lba(&d, 2048), "conectix", 8);
	assert_string_equal(format_of(&d), "");
	memcpy(platter_lba(&d, 2048), "koly\0\0\0\4", 8);
	assert_string_equal(format_of(&d), "");
	platter_free(&d);
}

static void exact_magics_come_first(void **state)
{
	struct platter d;

	(void)state;
	init_gpt(&d);
	memcpy(d.p + 32769, "CD001", 5);
	assert_string_equal(format_of(&d), "iso9660");
	memcpy(d.p, "QFI\xfb\0\0\0\3", 8);
	assert_string_equal(format_of(&d), "qcow2");
	d.p[7] = 1;
	assert_string_equal(format_of(&d), "iso9660");
	d.p[32769] = 'c';
	assert_string_equal(format_of(&d), "raw");
	platter_free(&d);
}

/* ---- file systems on the whole disk ---- */

static void each_magic_is_known_where_it_belongs(void **state)
{
	static const struct {
		const char *name;
		size_t off;
		const char *bytes;
		size_t n;
	} magics[] = {
#define FAT_OFF_BPB                          11
#define MAGIC(name, off, bytes, check, read) { name, off, bytes, sizeof(bytes) - 1 },
#include "analyze/image/filesystems.def"
#undef MAGIC
#undef FAT_OFF_BPB
	};
	uint8_t *head = calloc(1, PROBE_HEAD);
	unsigned by_magic_alone = 0;

	(void)state;
	assert_non_null(head);
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		struct view v = { head, PROBE_HEAD };
		size_t off = 0, len = 0;
		const char *name;

		assert_true(magics[i].off + magics[i].n <= PROBE_HEAD);
		memset(head, 0, PROBE_HEAD);
		memcpy(head + magics[i].off, magics[i].bytes, magics[i].n);
		name = filesystem_of(v, &off, &len);
		if (!name)
			continue; /* what has a check needs more than a magic */
		by_magic_alone++;
		assert_string_equal(name, magics[i].name);
		assert_int_equal(off, magics[i].off);
		assert_int_equal(len, magics[i].n);
		/* One byte short, it is not there. */
		v.n = magics[i].off + magics[i].n - 1;
		assert_null(filesystem_of(v, &off, &len));
	}
	assert_int_equal(by_magic_alone, sizeof(magics) / sizeof(magics[0]) - 5);
	free(head);
}

static const char *name_of(const uint8_t *head)
{
	size_t off, len;

	return filesystem_of((struct view){ head, 2048 }, &off, &len);
}

static void a_short_magic_is_not_enough(void **state)
{
	static const struct {
		size_t off;
		uint8_t bad;
	} breaks[] = {
		{ 1024, 0 }, { 1028, 0 }, { 1048, 7 }, { 1100, 2 }, { 1080, 0x52 }
	};
	uint8_t head[2048] = { 0 };

	(void)state;
	put_le16(head + 1080, 0xef53);
	assert_null(name_of(head));
	head[1024] = head[1028] = head[1100] = 1;
	head[1048] = 2;
	assert_string_equal(name_of(head), "ext");
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		uint8_t was = head[breaks[i].off];

		head[breaks[i].off] = breaks[i].bad;
		assert_null(name_of(head));
		head[breaks[i].off] = was;
	}
}

static void a_parameter_block_must_make_sense(void **state)
{
	static const struct {
		size_t off;
		uint16_t bad;
	} breaks[] = { { 11, 0 },    { 11, 511 }, { 11, 256 }, { 11, 8192 },
		       { 13, 0 },    { 14, 0 },   { 16, 0 },   { 16, 3 },
		       { 21, 0xf1 }, { 19, 0 },   { 22, 0 } };
	uint8_t head[2048] = { 0 };

	(void)state;
	put_le16(head + 11, 512);
	put_le16(head + 13, 4); /* sectors in a cluster */
	put_le16(head + 14, 1); /* reserved ones */
	put_le16(head + 16, 2); /* FATs */
	put_le16(head + 19, 2880);
	put_le16(head + 21, 0xf0);
	put_le16(head + 22, 9);
	assert_string_equal(name_of(head), "FAT");
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		uint8_t was[2] = { head[breaks[i].off], head[breaks[i].off + 1] };

		head[breaks[i].off] = (uint8_t)breaks[i].bad;
		if (breaks[i].off != 13 && breaks[i].off != 21)
			head[breaks[i].off + 1] = (uint8_t)(breaks[i].bad >> 8);
		assert_null(name_of(head));
		memcpy(head + breaks[i].off, was, 2);
	}
}

/* ---- images of other programs ---- */

/* A file of 64 MiB with a right GPT, for another program to write to. */
struct scene {
	char path[64];
	struct unit u;
};

static int setup(void **state)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct platter d;
	int fd;

	assert_non_null(sc);
	snprintf(sc->path, sizeof(sc->path), "/tmp/vmend-raw-XXXXXX");
	fd = mkstemp(sc->path);
	assert_true(fd >= 0);
	platter_init(&d, 64 * MIB, 512);
	platter_put_gpt(&d);
	assert_int_equal(write(fd, d.p, d.size), (ssize_t)d.size);
	platter_free(&d);
	close(fd);
	*state = sc;
	return 0;
}

static int teardown(void **state)
{
	struct scene *sc = *state;

	unlink(sc->path);
	free(sc);
	return 0;
}

/* Runs it on the file; the test ends here when it is not installed. */
static void build(const struct scene *sc, const char *const argv[], const char *input)
{
	int status = tool_run(argv, input);

	if (status == 127)
		skip();
	assert_int_equal(status, 0);
	assert_int_equal(truncate(sc->path, 64 * MIB), 0);
}

static const struct image *open_image(struct scene *sc)
{
	unit_open(&sc->u, sc->path, SOURCE_READ, NULL, &no_host);
	assert_int_equal(sc->u.state, UNIT_READ);
	assert_string_equal(sc->u.format->name, "raw");
	return sc->u.image;
}

/* The backup of the GPT that was there before may still be at the end of the disk. Taking
 * that for a GPT with a lost primary, and restoring it, would destroy the file system. */
static void check_filesystem(struct scene *sc, const char *name)
{
	const struct image *img;
	struct source s;
	struct err e;

	unit_open(&sc->u, sc->path, SOURCE_READ, NULL, &no_host);
	assert_int_equal(sc->u.state, UNIT_NOT_OURS);
	unit_close(&sc->u);
	assert_int_equal(source_open(&s, sc->path, SOURCE_READ, &e), 0);
	unit_read(&sc->u, &s, format_find("raw"), &no_host);
	assert_int_equal(sc->u.state, UNIT_READ);
	img = sc->u.image;
	assert_non_null(img->filesystem);
	assert_string_equal(img->filesystem, name);
	if (img->gpt) { /* mke2fs and mkntfs write to the end of the disk, too */
		assert_false(img->gpt->primary.present);
		assert_ptr_equal(img->gpt->good, &img->gpt->backup);
	}
	unit_close(&sc->u);
	source_close(&s);
}

static void ext_over_an_old_gpt_is_seen(void **state)
{
	struct scene *sc = *state;

	build(sc, (const char *[]){ "mkfs.ext4", "-q", "-F", sc->path, NULL }, NULL);
	check_filesystem(sc, "ext");
}

static void fat_over_an_old_gpt_is_seen(void **state)
{
	struct scene *sc = *state;

	build(sc, (const char *[]){ "mkfs.vfat", "-I", sc->path, NULL }, NULL);
	check_filesystem(sc, "FAT");
}

static void ntfs_over_an_old_gpt_is_seen(void **state)
{
	struct scene *sc = *state;

	build(sc, (const char *[]){ "mkfs.ntfs", "-q", "-F", "-f", sc->path, NULL },
	      NULL);
	check_filesystem(sc, "NTFS");
}

static void swap_over_an_old_gpt_is_seen(void **state)
{
	struct scene *sc = *state;

	build(sc, (const char *[]){ "mkswap", "-f", sc->path, NULL }, NULL);
	check_filesystem(sc, "swap");
}

static void a_disk_whose_end_cannot_be_read_is_an_error(void **state)
{
	struct scene *sc = *state;
	struct source s;
	struct err e;

	assert_int_equal(source_open(&s, sc->path, SOURCE_READ, &e), 0);
	assert_int_equal(truncate(sc->path, 32 * MIB), 0);
	unit_read(&sc->u, &s, NULL, &no_host);
	assert_int_equal(sc->u.state, UNIT_FAILED);
	assert_string_equal(sc->u.format->name, "raw");
	assert_int_equal(sc->u.why.code, ERR_SHORT);
	unit_close(&sc->u);
	source_close(&s);
}

static void check_partition(const struct gpt_entry *ent, unsigned number, uint64_t first,
			    uint64_t last, const char *type, const char *guid,
			    const char *name)
{
	char text[37];

	assert_int_equal(ent->number, number);
	assert_int_equal(ent->first.v, first);
	assert_int_equal(ent->last.v, last);
	assert_string_equal(gpt_type_name(ent->type), type);
	guid_text(ent->guid, text);
	assert_string_equal(text, guid);
	assert_true(str_is(ent->name, name));
}

#define GUID_A "3A8F9C1E-0001-4B6D-8E2F-1234567890AB"
#define GUID_B "7D3B22C4-0002-4F5A-9C1D-FEDCBA098765"

static void check_tool_gpt(struct scene *sc, uint64_t first_usable)
{
	const struct image *img = open_image(sc);
	const struct gpt *g = img->gpt;

	assert_non_null(g);
	assert_true(gpt_table_ok(&g->primary));
	assert_true(gpt_table_ok(&g->backup));
	assert_true(g->backup_at_end);
	assert_int_equal(g->primary.first_usable.v, first_usable);
	assert_int_equal(g->primary.last_usable.v, 131072 - 34);
	for (int i = 0; i < 2; i++) {
		const struct gpt_table *t = i ? &g->backup : &g->primary;

		assert_int_equal(t->nentries, 2);
		check_partition(&t->entry[0], 1, 2048, 6143, "EFI System", GUID_A, "esp");
		check_partition(&t->entry[1], 3, 8192, 100000, "Linux filesystem", GUID_B,
				"\u00fcber");
	}
	assert_int_equal(img->mbr->nprotective, 1);
	assert_int_equal(img->mbr->protective->sectors.v, 131071);
	assert_null(img->filesystem);
	touch_image(img, &sc->u.arena);
	unit_close(&sc->u);
}

static void what_sgdisk_writes_is_read(void **state)
{
	struct scene *sc = *state;

	build(sc,
	      (const char *[]){ "sgdisk", "-o", "-n1:2048:6143", "-t1:EF00", "-c1:esp",
				"-u1:" GUID_A, "-n3:8192:100000", "-t3:8300",
				"-c3:\u00fcber", "-u3:" GUID_B, sc->path, NULL },
	      NULL);
	check_tool_gpt(sc, 34);
}

static void what_sfdisk_writes_is_read(void **state)
{
	struct scene *sc = *state;

	build(sc, (const char *[]){ "sfdisk", "-q", sc->path, NULL },
	      "label: gpt\n"
	      "1: start=2048, size=4096, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, "
	      "uuid=" GUID_A ", name=esp\n"
	      "3: start=8192, size=91809, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, "
	      "uuid=" GUID_B ", name=\u00fcber\n");
	check_tool_gpt(sc, 2048);
}

static void logical_partitions_of_sfdisk_are_read(void **state)
{
	static const uint32_t want[][2] = { { 8192, 2048 },
					    { 12288, 1024 },
					    { 20480, 99 } };
	struct scene *sc = *state;
	const struct mbr *m;

	build(sc, (const char *[]){ "sfdisk", "-q", sc->path, NULL },
	      "label: dos\nlabel-id: 0x1234abcd\n"
	      "1: start=2048, size=2048, type=83, bootable\n"
	      "2: start=6144, size=60000, type=f\n"
	      "5: start=8192, size=2048, type=82\n"
	      "6: start=12288, size=1024, type=83\n"
	      "7: start=20480, size=99, type=7\n");
	m = open_image(sc)->mbr;
	assert_int_equal(m->disk_signature, 0x1234abcd);
	assert_int_equal(m->entry[0].boot.v, 0x80);
	assert_int_equal(m->ebr_end, EBR_COMPLETE);
	assert_int_equal(m->nlogical, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(m->logical[i].number, 5 + i);
		assert_int_equal(m->logical[i].lba.v, want[i][0]);
		assert_int_equal(m->logical[i].sectors.v, want[i][1]);
	}
	touch_image(sc->u.image, &sc->u.arena);
	unit_close(&sc->u);
}

static void what_parted_writes_is_read(void **state)
{
	struct scene *sc = *state;
	const struct gpt *g;

	build(sc,
	      (const char *[]){ "parted", "-s", sc->path, "mklabel", "gpt", "mkpart",
				"data", "ext4", "1MiB", "100%", NULL },
	      NULL);
	g = open_image(sc)->gpt;
	assert_true(gpt_table_ok(&g->primary) && gpt_table_ok(&g->backup));
	assert_int_equal(g->primary.nentries, 1);
	assert_int_equal(g->primary.entry[0].first.v, 2048);
	assert_true(str_is(g->primary.entry[0].name, "data"));
	unit_close(&sc->u);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_at_any_sector_size_is_a_disk),
		cmocka_unit_test(a_broken_backup_alone_is_nothing),
		cmocka_unit_test(a_partition_sector_is_a_disk),
		cmocka_unit_test(a_protective_entry_alone_is_a_disk),
		cmocka_unit_test(what_is_too_small_for_a_disk_is_none),
		cmocka_unit_test(other_files_are_none),
		cmocka_unit_test(a_linux_kernel_is_none),
		cmocka_unit_test(a_disk_with_a_footer_is_another_format),
		cmocka_unit_test(exact_magics_come_first),
		cmocka_unit_test(each_magic_is_known_where_it_belongs),
		cmocka_unit_test(a_short_magic_is_not_enough),
		cmocka_unit_test(a_parameter_block_must_make_sense),
		SCENE(ext_over_an_old_gpt_is_seen),
		SCENE(fat_over_an_old_gpt_is_seen),
		SCENE(ntfs_over_an_old_gpt_is_seen),
		SCENE(swap_over_an_old_gpt_is_seen),
		SCENE(a_disk_whose_end_cannot_be_read_is_an_error),
		SCENE(what_sgdisk_writes_is_read),
		SCENE(what_sfdisk_writes_is_read),
		SCENE(logical_partitions_of_sfdisk_are_read),
		SCENE(what_parted_writes_is_read),
	};
#undef SCENE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
