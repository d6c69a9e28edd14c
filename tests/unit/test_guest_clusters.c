/* Clusters of the guest's disk that are not plain: compressed, in parts, or in other files.
 * analyze/image/guest.h, guest_inflate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_guest.h"

#include "base/banned.h"

/* ---- compressed clusters ---- */

static void clusters_are_inflated(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096];
	size_t n;

	make(b, 12, 0);
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * i >> 7);
	/* not at a sector, and over several */
	n = gq_deflate(&b->q, 5 * 4096 + 77, want);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096 + 77, n), 0);
	gq_entry(&b->q, 2, 8 * 4096, 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
	read_at(b, 4096 + 1000, 5000);
	assert_memory_equal(b->buf, want + 1000, 3096);
	assert_memory_equal(b->buf + 3096, gq_cluster(&b->q, 8), 1904);
}

static void zstd_frames_are_inflated(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096];
	size_t n;

	make(b, 12, 8);
	gq_be(&b->q, 104, 1, 1);
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * i >> 7);
	n = gq_zstd(&b->q, 5 * 4096 + 77, want, 1000);
	n += gq_zstd(&b->q, 5 * 4096 + 77 + n, want + 1000, 3096);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096 + 77, n), 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
	/* a cluster that is not full */
	n = gq_zstd(&b->q, 5 * 4096, want, 4095);
	memset(gq_cluster(&b->q, 5) + n, 0, 8192 - n);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096, n), 0);
	open_it(b);
	cannot_read(b, 4096, "does not inflate");
}

static void a_broken_stream_is_not_zeros(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	memset(gq_cluster(&b->q, 5), 0xff, 4096);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096, 1000), 0);
	gq_entry(&b->q, 2, gq_packed(&b->q, GQ_CLUSTERS * 4096 + 9, 1000), 0);
	open_it(b);
	cannot_read(b, 4096 + 9, "the compressed cluster at 0x5000 of the file does not");
	cannot_read(b, 8192, "a compressed cluster behind the end");
	is_zero(b, 3 * 4096, 4096);
	gq_be(&b->q, 104, 1, 2);
	open_it(b);
	cannot_read(b, 4096, "compressed in an unknown way");
}

static void the_last_stream_may_end_with_the_file(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096] = { 1, 2, 3 };
	size_t n, at;

	make(b, 12, 0);
	at = b->q.size - 2048;
	n = gq_deflate(&b->q, at, want);
	b->q.size = at + n;
	gq_entry(&b->q, 1, gq_packed(&b->q, at, n), 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
}

static void what_is_inflated_has_an_end(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096] = { 1 };
	size_t n;

	make(b, 12, 0);
	for (size_t i = 0; i < 2; i++) {
		n = gq_deflate(&b->q, (5 + i) * 4096, want);
		gq_entry(&b->q, 1 + i, gq_packed(&b->q, (5 + i) * 4096, n), 0);
	}
	open_it(b);
	b->u.guest->packed->left = 4096;
	read_at(b, 4096, 4096);
	/* what is at hand costs nothing */
	read_at(b, 4096 + 50, 4000);
	assert_int_equal(source_read(&b->disk, 8192, b->buf, 1, &b->e), -1);
	assert_int_equal(b->e.code, ERR_LIMIT);
}

/* ---- extended L2 ---- */

static void subclusters_each_go_their_way(void **state)
{
	struct bench *b = *state;

	make(b, 14, 16);
	/* 0, 1, 31 allocated; 2, 3 zeros; the others not allocated */
	gq_entry(&b->q, 1, 5 << 14, UINT64_C(0x0000000c80000003));
	open_it(b);
	read_at(b, 1 << 14, 1 << 14);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 5), 2 * SUB);
	assert_true(view_is_zero((struct view){ b->buf + 2 * SUB, 29 * SUB }));
	assert_memory_equal(b->buf + 31 * SUB, gq_cluster(&b->q, 5) + 31 * SUB, SUB);
	/* the zero flag of other images is none here */
	gq_entry(&b->q, 1, 5 << 14 | 1, UINT32_MAX);
	open_it(b);
	is_cluster(b, 1 << 14, 5);
}

static void subclusters_without_a_cluster(void **state)
{
	struct bench *b = *state;

	make(b, 14, 16);
	gq_entry(&b->q, 1, 0, UINT64_C(0xffffffff00000000));
	gq_entry(&b->q, 2, 0, 1);
	/* allocated, and zeros */
	gq_entry(&b->q, 3, 5 << 14, UINT64_C(0x0000000100000001));
	open_it(b);
	is_zero(b, 1 << 14, 1 << 14);
	cannot_read(b, 2 << 14, "subclusters in a state that there is not");
	cannot_read(b, 3 << 14, "subclusters in a state that there is not");
	is_zero(b, 4 << 14, 1 << 14);
}

static void a_compressed_cluster_has_no_subclusters(void **state)
{
	struct bench *b = *state;
	uint8_t *want = calloc(1, 1 << 14);
	size_t n;

	make(b, 14, 16);
	memset(want, 0x5a, 1 << 14);
	n = gq_deflate(&b->q, 5 << 14, want);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 << 14, n), UINT64_C(0xffffffff00000000));
	open_it(b);
	read_at(b, (1 << 14) + 7 * SUB + 3, 3 * SUB);
	assert_memory_equal(b->buf, want, 3 * SUB);
	free(want);
}

/* ---- other files ---- */

static void what_a_lost_backing_file_has_is_not_zeros(void **state)
{
	struct bench *b = *state;

	memcpy(b->q.p + 200, "base.img", 8);
	gq_be(&b->q, 8, 8, 200);
	gq_be(&b->q, 16, 4, 8);
	gq_entry(&b->q, 1, 5 * 512, 0);
	gq_entry(&b->q, 2, 1, 0);
	open_it(b);
	assert_int_equal(b->u.backing->state, BACKING_DETACHED);
	cannot_read(b, 0, "its backing file is not looked for");
	is_cluster(b, 512, 5);
	is_zero(b, 1024, 512);
	cannot_read(b, 1536, "its backing file is not looked for");
	assert_int_equal(source_next_data(&b->disk, 1024), 1536);
}

static void a_backing_file_shows_through_up_to_its_end(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[1000];
	struct source base = source_of_bytes("b", (struct view){ bytes, sizeof(bytes) });

	memset(bytes, 7, sizeof(bytes));
	gq_entry(&b->q, 1, 1, 0);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	b->u.guest->backing = &base;
	read_at(b, 0, 2048);
	assert_memory_equal(b->buf, bytes, 512);
	assert_true(view_is_zero((struct view){ b->buf + 512, 1536 }));
	gq_entry(&b->q, 1, 0, 0);
	open_it(b);
	b->u.guest->backing = &base;
	read_at(b, 0, 2048);
	assert_memory_equal(b->buf, bytes, 1000);
	assert_true(view_is_zero((struct view){ b->buf + 1000, 1048 }));
	is_zero(b, 32768 - 512, 1024);
}

static void an_external_data_file_has_the_clusters(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[1024];
	struct source data = source_of_bytes("d", (struct view){ bytes, sizeof(bytes) });

	memset(bytes, 9, sizeof(bytes));
	make(b, 9, 4);
	gq_entry(&b->q, 0, GQ_COPIED, 0);
	gq_entry(&b->q, 1, 512 | GQ_COPIED, 0);
	gq_entry(&b->q, 3, gq_packed(&b->q, 5 * 512, 100), 0);
	open_it(b);
	assert_int_equal(b->u.data_file->state, BACKING_NO_NAME);
	cannot_read(b, 0, "its data file has no name");
	b->u.guest->data = &data;
	read_at(b, 0, 1024);
	assert_memory_equal(b->buf, bytes, 1024);
	is_zero(b, 1024, 512);
	cannot_read(b, 1536, "although the data is in another file");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(clusters_are_inflated),
		TEST(zstd_frames_are_inflated),
		TEST(a_broken_stream_is_not_zeros),
		TEST(the_last_stream_may_end_with_the_file),
		TEST(what_is_inflated_has_an_end),
		TEST(subclusters_each_go_their_way),
		TEST(subclusters_without_a_cluster),
		TEST(a_compressed_cluster_has_no_subclusters),
		TEST(what_a_lost_backing_file_has_is_not_zeros),
		TEST(a_backing_file_shows_through_up_to_its_end),
		TEST(an_external_data_file_has_the_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
