/* The backup of a disk that was made larger, when nothing says where it stands: in front of a hole,
 * and where disks of whole MiB and GiB end.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/gpt_end.h"
#include "analyze/image/gpt_past.h"
#include "tests/lib/platter.h"

#include <unistd.h>

#include "base/banned.h"

enum { MIB = 1 << 20 };

/* ---- a file with a hole behind ---- */

struct file {
	char path[64];
	struct source s;
	struct platter d; /* what is written at its begin */
};

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f));
	int fd;

	memcpy(f->path, "/tmp/vmend-test-XXXXXX", 23);
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	f->s.fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct file *f = *state;

	source_close(&f->s);
	platter_free(&f->d);
	unlink(f->path);
	free(f);
	return 0;
}

/* The platter at offset `at`, and a hole up to size. */
static void put(struct file *f, uint64_t at, uint64_t size)
{
	FILE *out = fopen(f->path, "r+");
	struct err e = { 0 };

	assert_non_null(out);
	assert_int_equal(ftruncate(fileno(out), (off_t)size), 0);
	assert_int_equal(fseeko(out, (off_t)at, SEEK_SET), 0);
	assert_int_equal(fwrite(f->d.p, 1, f->d.size, out), f->d.size);
	fclose(out);
	source_close(&f->s);
	assert_int_equal(source_open(&f->s, f->path, SOURCE_READ, &e), 0);
}

static bool has_holes(const struct file *f)
{
	return source_data_end(&f->s) < f->s.size;
}

/* A GPT of whose front nothing is left. */
static void init_disk(struct platter *d, uint64_t size, uint32_t ss)
{
	platter_init(d, size, ss);
	platter_put_gpt(d);
	memset(d->p, 0, 34 * (size_t)ss);
}

static bool find(struct file *f, uint64_t *off, uint32_t *ss)
{
	return gpt_end_find(&f->s, off, ss);
}

static void the_header_in_front_of_the_hole_is_found(void **state)
{
	static const uint32_t sizes[] = { 512, 1024, 2048, 4096 };
	struct file *f = *state;
	uint64_t off;
	uint32_t ss;

	for (size_t i = 0; i < 4; i++) {
		platter_free(&f->d);
		init_disk(&f->d, 4 * (uint64_t)MIB, sizes[i]);
		put(f, 0, 64 * (uint64_t)MIB);
		if (!has_holes(f))
			skip();
		assert_true(find(f, &off, &ss));
		assert_int_equal(ss, sizes[i]);
		assert_int_equal(off, 4 * (uint64_t)MIB - ss);
	}
}

static void an_end_amidst_a_page_and_zeros_behind_it_do_not_hide_it(void **state)
{
	struct file *f = *state;
	uint64_t off;
	uint32_t ss;

	/* It ends with three sectors of a page. */
	init_disk(&f->d, MIB + 1536, 512);
	put(f, 0, 64 * (uint64_t)MIB);
	if (!has_holes(f))
		skip();
	assert_true(find(f, &off, &ss));
	assert_int_equal(off, MIB + 1024);
	/* What is left of a cluster of 64 KiB; more is not searched. */
	platter_resize(&f->d, MIB + 60 * 1024);
	put(f, 0, 64 * (uint64_t)MIB);
	assert_true(find(f, &off, &ss));
	platter_resize(&f->d, MIB + 160 * 1024);
	put(f, 0, 64 * (uint64_t)MIB);
	assert_false(find(f, &off, &ss));
}

static void something_else_in_front_of_the_hole_is_not_taken(void **state)
{
	struct file *f = *state;
	uint64_t off;
	uint32_t ss;

	init_disk(&f->d, MIB, 512);
	platter_backup(&f->d)[60] ^= 1;
	put(f, 0, 64 * (uint64_t)MIB);
	assert_false(find(f, &off, &ss));
	/* A right one that stands elsewhere than it says is that of a disk in the file. */
	platter_backup(&f->d)[60] ^= 1;
	put(f, 4096, 64 * (uint64_t)MIB);
	assert_false(find(f, &off, &ss));
}

static void without_a_hole_there_is_no_such_place(void **state)
{
	struct platter d;
	uint64_t off;
	uint32_t ss;

	(void)state;
	init_disk(&d, MIB, 512);
	platter_image(&d);
	assert_false(gpt_end_find(&d.src, &off, &ss));
	/* In memory nothing is a hole, however many zeros there are. */
	platter_resize(&d, 4 * (uint64_t)MIB);
	platter_image(&d);
	assert_false(gpt_end_find(&d.src, &off, &ss));
	platter_free(&d);
}

/* ---- zeros behind, and no hole ---- */

static const struct gpt *read_gpt(struct platter *d)
{
	const struct gpt *g;
	struct err e = { 0 };

	platter_reset(d);
	platter_image(d);
	d->img.head = (struct view){ d->p, 69632 };
	assert_int_equal(gpt_read(&g, &d->img, &d->arena, &e), 0);
	return g;
}

static uint8_t *first_of(struct platter *d, uint64_t backup_lba)
{
	return platter_lba(d, platter_le64(platter_lba(d, backup_lba - 32) + 32));
}

static void written_zeros_do_not_hide_the_end_of_whole_mib(void **state)
{
	const struct gpt *g;
	struct platter d;

	(void)state;
	init_disk(&d, 4 * (uint64_t)MIB, 512);
	platter_resize(&d, 16 * (uint64_t)MIB);
	/* It may be a left-over, until something begins where it says. */
	assert_null(read_gpt(&d));
	first_of(&d, 8191)[512 * 4000] = 1;
	assert_null(read_gpt(&d));
	first_of(&d, 8191)[0] = 1;
	g = read_gpt(&d);
	assert_non_null(g);
	assert_ptr_equal(g->good, &g->backup);
	assert_int_equal(g->backup.lba, 8191);
	assert_false(g->backup_at_end);
	/* A label, or a file system over all of it, is what the disk goes by. */
	platter_put_entry(d.p, 0, 0x83, 2048, 4096);
	assert_null(read_gpt(&d));
	memset(d.p, 0, 512);
	memcpy(d.p + 512, "LABELONE", 8);
	assert_null(read_gpt(&d));
	platter_free(&d);
}

static void two_ends_that_differ_say_nothing(void **state)
{
	struct platter d, old;

	(void)state;
	init_disk(&d, 4 * (uint64_t)MIB, 512);
	platter_resize(&d, 16 * (uint64_t)MIB);
	first_of(&d, 8191)[0] = 1;
	init_disk(&old, 8 * (uint64_t)MIB, 512);
	memcpy(platter_backup(&old) + 56, "another-disk-001", 16);
	platter_seal(&old, platter_backup(&old));
	memcpy(platter_lba(&d, 16383 - 32), platter_lba(&old, 16383 - 32), 33 * 512);
	assert_null(read_gpt(&d));
	platter_free(&old);
	platter_free(&d);
}

static void any_file_is_asked_where_whole_gib_end(void **state)
{
	const uint64_t gib = 1024 * (uint64_t)MIB;
	struct file *f = *state;

	platter_init(&f->d, 512, 512);
	put(f, 0, 3 * gib);
	assert_false(gpt_past_probe(&f->s));
	memcpy(f->d.p, "EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00", 16);
	put_le64(f->d.p + 24, 2 * gib / 512 - 1);
	put_le32(f->d.p + 16, platter_crc(f->d.p, 92));
	put(f, 2 * gib - 512, 3 * gib);
	assert_true(gpt_past_probe(&f->s));
	/* The end of the file is another one's business. */
	put(f, 2 * gib - 512, 2 * gib);
	assert_false(gpt_past_probe(&f->s));
}

#define FILED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILED(the_header_in_front_of_the_hole_is_found),
		FILED(an_end_amidst_a_page_and_zeros_behind_it_do_not_hide_it),
		FILED(something_else_in_front_of_the_hole_is_not_taken),
		cmocka_unit_test(without_a_hole_there_is_no_such_place),
		cmocka_unit_test(written_zeros_do_not_hide_the_end_of_whole_mib),
		cmocka_unit_test(two_ends_that_differ_say_nothing),
		FILED(any_file_is_asked_where_whole_gib_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
