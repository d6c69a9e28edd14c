/* What is read of a QCOW2 image, analyze/image/qcow2.h: each field where it stands, damage
 * as a state, and nothing that costs more than its bound.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_fields.h"

#include "base/banned.h"

/* ---- header ---- */

static void every_field_of_the_header_is_read_where_it_stands(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);

	field_is(q->version, 3, 4, 4);
	field_is(q->backing_offset, SMALL_BACKING, 8, 8);
	field_is(q->backing_length, 8, 16, 4);
	field_is(q->cluster_bits, 9, 20, 4);
	field_is(q->size, 100 << 10, 24, 8);
	field_is(q->crypt_method, 0, 32, 4);
	field_is(q->l1_size, 4, 36, 4);
	field_is(q->l1_offset, SMALL_L1 * 512, 40, 8);
	field_is(q->rt_offset, SMALL_RT * 512, 48, 8);
	field_is(q->rt_clusters, 1, 56, 4);
	field_is(q->nb_snapshots, 2, 60, 4);
	field_is(q->snapshots_offset, SMALL_SNAPSHOTS * 512, 64, 8);
	field_is(q->incompatible, 0, 72, 8);
	field_is(q->compatible, 1, 80, 8);
	field_is(q->autoclear, 1, 88, 8);
	field_is(q->refcount_order, 4, 96, 4);
	field_is(q->header_length, 112, 100, 4);
	field_is(q->compression, 0, 104, 1);
	assert_int_equal(q->padding_at.len, 7);
	assert_true(q->padding_zero);
	assert_null(q->limit);
}

static void geometry_follows_from_the_header(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);

	assert_true(q->geometry && q->v3 && !q->extended_l2 && !q->external_data);
	assert_int_equal(q->cluster_size, 512);
	assert_int_equal(q->refcount_bits, 16);
	assert_int_equal(q->l2_entries, 64);
	assert_int_equal(q->l2_bytes, 32768);
	assert_int_equal(q->l1_needed, 4);
	assert_int_equal(q->refblock_entries, 256);
	assert_int_equal(q->guest_clusters, 200);
	assert_int_equal(q->host_clusters, SMALL_CLUSTERS);
	/* 62 - (9 - 8) bits of offset. */
	assert_int_equal(q->compressed_shift, 61);
	assert_int_equal(q->compressed_offset, (UINT64_C(1) << 61) - 1);
	small_be(&b->s, 72, 8, QCOW2_INCOMPAT_EXTL2 | QCOW2_INCOMPAT_DATA_FILE);
	q = read_it(b);
	assert_true(q->extended_l2 && q->external_data);
	assert_int_equal(q->l2_entry_size, 16);
	assert_int_equal(q->l2_entries, 32);
	assert_int_equal(q->l1_needed, 7);
}

static void geometry_of_the_largest_clusters(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 20, 4, 21);
	small_be(&b->s, 96, 4, 6);
	small_be(&b->s, 24, 8, UINT64_MAX);
	q = read_it(b);
	assert_true(q->geometry);
	assert_int_equal(q->cluster_size, 2 << 20);
	assert_int_equal(q->refcount_bits, 64);
	assert_int_equal(q->l2_bytes, UINT64_C(1) << 39);
	assert_int_equal(q->l1_needed, 1 << 25);
	assert_int_equal(q->compressed_shift, 49);
	assert_int_equal(q->host_clusters, 1);
}

static void version_2_means_what_it_does_not_say(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 4, 4, 2);
	small_be(&b->s, 72, 8, 0);
	q = read_it(b);
	assert_true(q->geometry && !q->v3);
	field_is(q->incompatible, 0, 72, 0);
	field_is(q->compatible, 0, 80, 0);
	field_is(q->refcount_order, 4, 96, 0);
	field_is(q->header_length, 72, 100, 0);
	assert_int_equal(q->ext_area.off, 72);
	/* What a version 3 has as its feature bits, is the end mark now. */
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_MARK);
	assert_int_equal(q->next, 0);
}

static void header_without_its_last_field(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 100, 4, 104);
	q = read_it(b);
	field_is(q->compression, 0, 104, 0);
	assert_int_equal(q->padding_at.len, 0);
	assert_int_equal(q->ext_area.off, 104);
}

static void padding_that_is_not_zero_is_said(void **state)
{
	struct bench *b = *state;

	small_be(&b->s, 111, 1, 1);
	assert_false(read_it(b)->padding_zero);
}

static void broken_header_gives_no_geometry_and_nothing_below(void **state)
{
	static const struct {
		size_t off, width;
		uint64_t v;
	} breaks[] = {
		{ 4, 4, 4 },  { 4, 4, UINT32_MAX },  { 20, 4, 8 }, { 20, 4, 22 },
		{ 20, 4, 0 }, { 20, 4, UINT32_MAX }, { 96, 4, 7 }, { 96, 4, UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		struct bench *b = *state;
		uint8_t old[8];

		memcpy(old, b->s.p + breaks[i].off, breaks[i].width);
		small_be(&b->s, breaks[i].off, breaks[i].width, breaks[i].v);
		assert_false(read_it(b)->geometry);
		memcpy(b->s.p + breaks[i].off, old, breaks[i].width);
	}
}

static void header_that_the_file_cuts_off(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	for (size_t n = 8; n < 104; n++) {
		small_resize(&b->s, n);
		assert_false(read_it(b)->geometry);
		small_free(&b->s);
		small_init(&b->s);
	}
	small_resize(&b->s, 104);
	q = read_it(b);
	assert_true(q->geometry);
	assert_int_equal(q->compression.at.len, 0);
	assert_int_equal(q->l1.state, QCOW2_TABLE_OUTSIDE);
	assert_int_equal(q->rt.state, QCOW2_TABLE_OUTSIDE);
	assert_int_equal(q->snapshots.state, QCOW2_LIST_OUTSIDE);
	assert_int_equal(q->backing.state, QCOW2_NAME_OUTSIDE);
}

static void unknown_features_leave_the_geometry(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 72, 8, UINT64_C(1) << 63 | UINT64_C(1) << 20);
	q = read_it(b);
	assert_true(q->geometry);
	assert_string_equal(qcow2_feature(q, 0, 1, &b->arena), "corrupt bit");
	assert_string_equal(qcow2_feature(q, 0, 63, &b->arena), "tomorrow's");
	assert_null(qcow2_feature(q, 0, 20, &b->arena));
	assert_null(qcow2_feature(q, 1, 63, &b->arena));
}

/* ---- extensions ---- */

static void extensions_are_read_in_their_order(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);

	assert_int_equal(q->next, 3);
	assert_string_equal(q->ext[0].name, "backing-format");
	assert_int_equal(q->ext[0].at.off, SMALL_EXT_FORMAT);
	assert_int_equal(q->ext[0].at.len, 16);
	field_is(q->ext[0].type, QCOW2_EXT_BACKING_FORMAT, SMALL_EXT_FORMAT, 4);
	field_is(q->ext[0].len, 3, SMALL_EXT_FORMAT + 4, 4);
	assert_int_equal(q->ext[0].data_at.len, 3);
	str_equals(q->backing_format, "raw");
	assert_string_equal(q->ext[1].name, "feature-names");
	assert_int_equal(q->nfeature_names, 1);
	str_equals(q->feature_name[0].name, "tomorrow's");
	assert_int_equal(q->feature_name[0].bit, 63);
	assert_string_equal(q->ext[2].name, "bitmaps");
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_MARK);
	assert_int_equal(q->ext_stop_at.off, SMALL_EXT_MARK);
	assert_int_equal(q->slack.len, 0);
}

static void backing_file_name_is_read(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);

	assert_int_equal(q->backing.state, QCOW2_NAME_READ);
	str_equals(q->backing.text, "base.img");
	assert_int_equal(q->backing.at.off, SMALL_BACKING);
	small_be(&b->s, SMALL_BACKING + 4, 1, 0);
	assert_int_equal(read_it(b)->backing.text.n, 8);
}

static void backing_file_name_by_its_state(void **state)
{
	static const struct {
		uint64_t off, len;
		enum qcow2_name_state want;
	} cases[] = {
		{ 0, 8, QCOW2_NAME_NONE },
		{ 0, 0, QCOW2_NAME_NONE },
		{ 224, 0, QCOW2_NAME_EMPTY },
		{ 224, 288, QCOW2_NAME_READ },
		{ 224, 289, QCOW2_NAME_OUTSIDE },
		{ 512, 1, QCOW2_NAME_OUTSIDE },
		{ 513, 1, QCOW2_NAME_OUTSIDE },
		{ 224, 1024, QCOW2_NAME_TOO_LONG },
		{ UINT64_MAX, 1, QCOW2_NAME_OUTSIDE },
		{ UINT64_MAX, UINT32_MAX, QCOW2_NAME_OUTSIDE },
		{ 224, UINT32_MAX, QCOW2_NAME_TOO_LONG },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		small_be(&b->s, 8, 8, cases[i].off);
		small_be(&b->s, 16, 4, cases[i].len);
		assert_int_equal(read_it(b)->backing.state, cases[i].want);
	}
}

static void backing_offset_in_the_header_hides_the_extensions(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 8, 8, 64);
	q = read_it(b);
	assert_int_equal(q->next, 0);
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_NONE);
	assert_null(q->backing_format_ext);
	assert_null(q->bitmaps.ext);
}

static void extension_that_is_too_long_ends_them(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	/* One byte more than there is up to the backing file's name. */
	small_be(&b->s, SMALL_EXT_BITMAPS + 4, 4, 33);
	q = read_it(b);
	assert_int_equal(q->next, 2);
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_OVERRUN);
	assert_int_equal(q->ext_stop_at.off, SMALL_EXT_BITMAPS);
	assert_int_equal(q->slack.len, 0);
	small_be(&b->s, SMALL_EXT_BITMAPS + 4, 4, UINT32_MAX);
	assert_int_equal(read_it(b)->next, 2);
	/* Just as much as there is: no mark is needed. */
	small_be(&b->s, SMALL_EXT_BITMAPS + 4, 4, 32);
	q = read_it(b);
	assert_int_equal(q->next, 3);
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_FULL);
}

static void of_duplicates_the_last_one_counts(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, SMALL_EXT_NAMES, 8, UINT64_C(0xe2792aca00000005));
	small_text(&b->s, SMALL_EXT_NAMES + 8, "qcow2");
	small_be(&b->s, SMALL_EXT_NAMES + 16, 8, 0);
	q = read_it(b);
	assert_int_equal(q->next, 2);
	assert_false(q->ext[0].again);
	assert_true(q->ext[1].again);
	str_equals(q->backing_format, "qcow2");
}

static void unknown_extension_has_no_name(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, SMALL_EXT_FORMAT, 4, 0x12345678);
	q = read_it(b);
	assert_int_equal(q->next, 3);
	assert_null(q->ext[0].name);
	assert_null(q->backing_format_ext);
}

static void extensions_are_listed_up_to_a_bound(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	/* Clusters of 64 KiB, full of empty ones. */
	small_be(&b->s, 20, 4, 16);
	small_be(&b->s, 8, 8, 0);
	small_resize(&b->s, 1 << 16);
	for (size_t off = 112; off < 1 << 16; off += 8)
		small_be(&b->s, off, 8, UINT64_C(0x1234567800000000));
	q = read_it(b);
	assert_int_equal(q->next, QCOW2_EXTS_MAX);
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_TOO_MANY);
	assert_non_null(q->limit);
}

static void bytes_that_belong_to_nothing_are_found(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_text(&b->s, 300, "hidden");
	q = read_it(b);
	assert_int_equal(q->slack.off, 300);
	assert_int_equal(q->slack.len, 6);
	small_be(&b->s, 511, 1, 1);
	assert_int_equal(read_it(b)->slack.len, 212);
	/* Behind the mark, before the backing file's name. */
	small_be(&b->s, 8, 8, SMALL_BACKING + 8);
	small_be(&b->s, SMALL_EXT_MARK + 8, 2, 0x0101);
	q = read_it(b);
	assert_int_equal(q->slack.off, SMALL_EXT_MARK + 8);
}

/* QEMU stops at the mark; what its length reaches over, nobody reads. */
static void what_an_end_mark_holds_belongs_to_nothing(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 8, 8, 0);
	memset(b->s.p + SMALL_BACKING, 0, 8);
	small_be(&b->s, SMALL_EXT_MARK + 4, 4, 16);
	small_text(&b->s, SMALL_EXT_MARK + 12, "hidden");
	q = read_it(b);
	assert_int_equal(q->ext_stop, QCOW2_EXT_STOP_MARK);
	assert_int_equal(q->ext_stop_at.len, 8);
	assert_int_equal(q->slack.off, SMALL_EXT_MARK + 12);
	assert_int_equal(q->slack.len, 6);
}

static void data_file_and_crypto_header(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, SMALL_EXT_NAMES, 8, UINT64_C(0x444154410000000a));
	small_text(&b->s, SMALL_EXT_NAMES + 8, "data.raw\0\0");
	memset(b->s.p + SMALL_EXT_NAMES + 16, 0, 40);
	small_be(&b->s, SMALL_EXT_NAMES + 24, 8, UINT64_C(0x0537be7700000010));
	small_be(&b->s, SMALL_EXT_NAMES + 32, 8, SMALL_DATA * 512);
	small_be(&b->s, SMALL_EXT_NAMES + 40, 8, 512);
	memcpy(b->s.p + SMALL_DATA * 512, "LUKS\xba\xbe", 6);
	q = read_it(b);
	assert_int_equal(q->data_file.state, QCOW2_NAME_READ);
	assert_int_equal(q->data_file.text.n, 10);
	assert_true(q->crypto.inside && q->crypto.magic);
	field_is(q->crypto.offset, SMALL_DATA * 512, SMALL_EXT_NAMES + 32, 8);
	small_be(&b->s, SMALL_EXT_NAMES + 40, 8, SMALL_SIZE);
	assert_false(read_it(b)->crypto.inside);
	small_be(&b->s, SMALL_EXT_NAMES + 32, 8, UINT64_MAX - 3);
	assert_false(read_it(b)->crypto.magic);
	/* Too short for both numbers. */
	small_be(&b->s, SMALL_EXT_NAMES + 28, 4, 15);
	q = read_it(b);
	assert_int_equal(q->crypto.offset.at.len, 8);
	assert_int_equal(q->crypto.length.at.len, 0);
	assert_false(q->crypto.inside);
}

/* ---- places ---- */

static void place_is(struct bench *b, uint64_t off, uint64_t len, const char *locus,
		     uint64_t record, uint64_t record_len, const char *summary)
{
	const struct qcow2 *q = read_it(b);
	struct place p = { 0 };

	assert_true(qcow2_place(q, (struct span){ q->src, off, len }, &b->arena, &p));
	assert_string_equal(p.locus, locus);
	assert_int_equal(p.record.off, record);
	assert_int_equal(p.record.len, record_len);
	assert_string_equal(p.summary, summary);
}

static void places_of_the_first_cluster(void **state)
{
	static const char *const header = "header of version 3, 112 bytes";
	struct bench *b = *state;

	place_is(b, 40, 8, "qcow2/header/l1-table-offset", 0, 112, header);
	place_is(b, 79, 1, "qcow2/header/incompatible-features", 0, 112, header);
	place_is(b, 60, 12, "qcow2/header", 0, 112, header);
	place_is(b, SMALL_EXT_FORMAT + 4, 4, "qcow2/extension[backing-format]/length",
		 SMALL_EXT_FORMAT, 16, "header extension backing-format, 3 bytes");
	place_is(b, SMALL_EXT_FORMAT + 8, 3, "qcow2/extension[backing-format]",
		 SMALL_EXT_FORMAT, 16, "header extension backing-format, 3 bytes");
	place_is(b, SMALL_EXT_BITMAPS + 12, 4, "qcow2/extension[bitmaps]/reserved",
		 SMALL_EXT_BITMAPS, 32, "header extension bitmaps, 24 bytes");
	place_is(b, SMALL_EXT_MARK, 8, "qcow2/extension[end]", SMALL_EXT_MARK, 8,
		 "end of the header extensions");
	place_is(b, SMALL_BACKING, 8, "qcow2/backing-file", SMALL_BACKING, 8,
		 "backing file 'base.img'");
}

static void places_of_the_tables(void **state)
{
	struct bench *b = *state;
	const uint64_t l1 = SMALL_L1 * 512, rt = SMALL_RT * 512, l2 = SMALL_L2 * 512;
	const uint64_t block = SMALL_REFBLOCK * 512;

	place_is(b, l1, 8, "qcow2/l1[0]", l1, 8,
		 "entry 0 of the L1 table: 0x8000000000000800");
	place_is(b, l1 + 31, 1, "qcow2/l1[3]", l1 + 24, 8,
		 "entry 3 of the L1 table: 0x0");
	place_is(b, l1, 32, "qcow2/l1", l1, 32, "L1 table, 4 entries");
	place_is(b, rt, 8, "qcow2/refcount-table[0]", rt, 8,
		 "entry 0 of the refcount table: 0x400");
	place_is(b, block + 10, 2, "qcow2/refblock[0][5]", block + 10, 2,
		 "refcount of cluster 5, at 0xa00");
	place_is(b, block, 512, "qcow2/refblock[0]", block, 512, "refcount block 0");
	place_is(b, l2 + 8, 8, "qcow2/l2[0][1]", l2 + 8, 8,
		 "entry 1 of L2 table 0, guest offset 0x200");
	place_is(b, l2, 512, "qcow2/l2[0]", l2, 512, "L2 table 0, 64 entries");
}

static void places_of_snapshots_and_bitmaps(void **state)
{
	static const char *const first = "snapshot 0: id '1st', name 'first'";
	struct bench *b = *state;
	const uint64_t at = SMALL_SNAPSHOTS * 512, l1 = SMALL_SNAPSHOT_L1 * 512;
	const uint64_t bm = SMALL_BITMAPS * 512, table = SMALL_BITMAP_TABLE * 512;

	place_is(b, at + 36, 4, "qcow2/snapshot[0]/extra-data-size", at, 72, first);
	place_is(b, at + 48, 8, "qcow2/snapshot[0]/disk-size", at, 72, first);
	place_is(b, at + 64, 3, "qcow2/snapshot[0]/id", at, 72, first);
	place_is(b, at + 67, 5, "qcow2/snapshot[0]/name", at, 72, first);
	/* Where the other one has extra data. */
	place_is(b, at + 72 + 40, 1, "qcow2/snapshot[1]/id", at + 72, 48,
		 "snapshot 1: id '2', name ''");
	place_is(b, l1 + 8, 8, "qcow2/snapshot[0]/l1[1]", l1 + 8, 8,
		 "entry 1 of the L1 table of snapshot 0");
	place_is(b, bm + 12, 4, "qcow2/bitmap[0]/flags", bm, 32, "bitmap 0: name 'bm0'");
	place_is(b, table, 8, "qcow2/bitmap[0]/table[0]", table, 8,
		 "entry 0 of the table of bitmap 0");
}

static void place_of_data_has_no_name(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);
	struct place p;

	assert_false(qcow2_place(q, (struct span){ q->src, SMALL_DATA * 512, 512 },
				 &b->arena, &p));
	assert_false(unit_place(&b->u, (struct span){ q->src, 300, 1 }, &b->arena, &p));
	assert_true(unit_place(&b->u, (struct span){ q->src, 4, 4 }, &b->arena, &p));
}

/* ---- whatever it is ---- */

static bool is_read(size_t off)
{
	size_t cluster = off / SMALL_CLUSTER;

	return off >= 4 && cluster != SMALL_REFBLOCK && cluster != SMALL_L2 &&
	       cluster != SMALL_DATA && cluster != SMALL_SNAPSHOT_L1 &&
	       cluster != SMALL_BITMAP_TABLE;
}

/* Every byte that is read set to each of these, one at a time: read_it() looks at all. */
static void any_byte_may_be_wrong(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct bench *b = *state;

	for (size_t off = 0; off < b->s.size; off++) {
		uint8_t old = b->s.p[off];

		if (!is_read(off))
			continue;
		/* Versions below 2 are no QCOW2. */
		for (size_t i = off < 8; i < sizeof(values); i++) {
			if (off == 7 && values[i] < 2)
				continue;
			b->s.p[off] = values[i];
			read_it(b);
			arena_free(&b->arena);
		}
		b->s.p[off] = old;
	}
}

static void file_may_end_anywhere(void **state)
{
	struct bench *b = *state;

	for (size_t n = SMALL_SIZE; n >= 8; n--) {
		b->s.size = n;
		read_it(b);
		arena_free(&b->arena);
	}
	b->s.size = SMALL_SIZE;
}

static void other_versions_are_not_recognised(void **state)
{
	struct bench *b = *state;

	small_be(&b->s, 4, 4, 1);
	unit_read(&b->u, small_source(&b->s), NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_NOT_OURS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_field_of_the_header_is_read_where_it_stands),
		TEST(geometry_follows_from_the_header),
		TEST(geometry_of_the_largest_clusters),
		TEST(version_2_means_what_it_does_not_say),
		TEST(header_without_its_last_field),
		TEST(padding_that_is_not_zero_is_said),
		TEST(broken_header_gives_no_geometry_and_nothing_below),
		TEST(header_that_the_file_cuts_off),
		TEST(unknown_features_leave_the_geometry),
		TEST(extensions_are_read_in_their_order),
		TEST(backing_file_name_is_read),
		TEST(backing_file_name_by_its_state),
		TEST(backing_offset_in_the_header_hides_the_extensions),
		TEST(extension_that_is_too_long_ends_them),
		TEST(of_duplicates_the_last_one_counts),
		TEST(unknown_extension_has_no_name),
		TEST(extensions_are_listed_up_to_a_bound),
		TEST(bytes_that_belong_to_nothing_are_found),
		TEST(what_an_end_mark_holds_belongs_to_nothing),
		TEST(data_file_and_crypto_header),
		TEST(places_of_the_first_cluster),
		TEST(places_of_the_tables),
		TEST(places_of_snapshots_and_bitmaps),
		TEST(place_of_data_has_no_name),
		TEST(any_byte_may_be_wrong),
		TEST(file_may_end_anywhere),
		TEST(other_versions_are_not_recognised),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
