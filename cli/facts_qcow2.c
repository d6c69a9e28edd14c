/* What is known of a QCOW2 image: header, extensions, and what they name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2.h"
#include "cli/facts.h"
#include "base/banned.h"

/* Of a list: what a person made has fewer. */
enum { SHOWN_MAX = 500 };

/* ---- states in words ---- */

static const char *table_words(enum qcow2_table_state s)
{
	switch (s) {
	case QCOW2_TABLE_NONE:
		return "no entries";
	case QCOW2_TABLE_WHOLE:
		return "whole";
	case QCOW2_TABLE_CUT:
		return "cut off by the end of the file";
	case QCOW2_TABLE_ZERO:
		return "at offset 0";
	case QCOW2_TABLE_UNALIGNED:
		return "not aligned to a cluster";
	case QCOW2_TABLE_OUTSIDE:
		return "behind the end of the file";
	case QCOW2_TABLE_TOO_LARGE:
		return "larger than the format allows";
	case QCOW2_TABLE_NO_ROOM:
		return "not read: it takes too much memory";
	}
	BUG("table state %u", s);
}

static const char *list_words(enum qcow2_list_state s)
{
	switch (s) {
	case QCOW2_LIST_NONE:
		return "none";
	case QCOW2_LIST_WHOLE:
		return "whole";
	case QCOW2_LIST_CUT:
		return "ends before the last one";
	case QCOW2_LIST_ZERO:
		return "at offset 0";
	case QCOW2_LIST_UNALIGNED:
		return "not aligned to a cluster";
	case QCOW2_LIST_OUTSIDE:
		return "behind the end of the file";
	case QCOW2_LIST_TOO_MANY:
		return "more than the format allows";
	case QCOW2_LIST_NO_ROOM:
		return "not read to its end: it takes too much memory";
	}
	BUG("list state %u", s);
}

static const char *name_words(enum qcow2_name_state s)
{
	switch (s) {
	case QCOW2_NAME_NONE:
		return NULL;
	case QCOW2_NAME_READ:
		return "read";
	case QCOW2_NAME_EMPTY:
		return "empty";
	case QCOW2_NAME_OUTSIDE:
		return "outside of the first cluster";
	case QCOW2_NAME_TOO_LONG:
		return "too long";
	}
	BUG("name state %u", s);
}

static const char *stop_words(enum qcow2_ext_stop s)
{
	switch (s) {
	case QCOW2_EXT_STOP_NONE:
		return "there is no room for any";
	case QCOW2_EXT_STOP_MARK:
		return "end mark";
	case QCOW2_EXT_STOP_FULL:
		return "no room for an end mark";
	case QCOW2_EXT_STOP_OVERRUN:
		return "one is too long";
	case QCOW2_EXT_STOP_TOO_MANY:
		return "too many to read";
	}
	BUG("end of extensions %u", s);
}

static const char *compression_word(uint64_t type)
{
	return type == 0 ? "zlib" : type == 1 ? "zstd" : "unknown";
}

static const char *crypt_word(uint64_t method)
{
	switch (method) {
	case QCOW2_CRYPT_NONE:
		return NULL;
	case QCOW2_CRYPT_AES:
		return "AES";
	case QCOW2_CRYPT_LUKS:
		return "LUKS";
	}
	return "unknown";
}

static void facts_text(struct facts *f, const char *key, struct str text)
{
	facts_word(f, key, arena_str(f->arena, text));
}

/* A field that the header may be too short for. */
static void optional(struct facts *f, const char *key, struct field v)
{
	if (v.at.len)
		facts_field(f, key, v);
}

static size_t shown_of(size_t n)
{
	return n < SHOWN_MAX ? n : SHOWN_MAX;
}

static void rest_of(struct facts *f, const char *key, size_t n)
{
	if (n > SHOWN_MAX)
		facts_u64(f, key, n - SHOWN_MAX);
}

/* ---- header ---- */

/* The bits by their names, in one line. */
static void features(struct facts *f, const struct qcow2 *q, unsigned kind,
		     const char *key, const char *names_key, struct field set)
{
	struct buf names = { 0 };

	if (!set.at.len)
		return;
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name;

		if (!(set.v >> bit & 1))
			continue;
		name = qcow2_feature(q, kind, bit, f->arena);
		buf_printf(&names, "%s", names.n ? ", " : "");
		if (name)
			buf_printf(&names, "%s", name);
		else
			buf_printf(&names, "unknown bit %u", bit);
	}
	facts_hex(f, key, set);
	if (names.n)
		facts_text(f, names_key, (struct str){ names.p, names.n });
	buf_free(&names);
}

static void header(struct facts *f, const struct qcow2 *q)
{
	facts_field(f, "version", q->version);
	optional(f, "cluster_bits", q->cluster_bits);
	optional(f, "refcount_order", q->refcount_order);
	optional(f, "header_length", q->header_length);
	if (q->geometry) {
		facts_size(f, "cluster_size", q->cluster_size);
		facts_u64(f, "refcount_bits", q->refcount_bits);
	}
	facts_word(f, "compression", compression_word(q->compression.v));
	facts_word(f, "encryption", crypt_word(q->crypt_method.v));
	features(f, q, 0, "incompatible", "incompatible_features", q->incompatible);
	features(f, q, 1, "compatible", "compatible_features", q->compatible);
	features(f, q, 2, "autoclear", "autoclear_features", q->autoclear);
}

static void table(struct facts *f, const char *key, const struct qcow2_table *t)
{
	facts_group(f, key);
	facts_place(f, t->at);
	facts_word(f, "state", table_words(t->state));
	facts_u64(f, "entries", t->n);
	facts_group_end(f);
}

/* ---- extensions ---- */

static void extensions(struct facts *f, const struct qcow2 *q)
{
	facts_list(f, "extensions");
	for (size_t i = 0; i < shown_of(q->next); i++) {
		const struct qcow2_ext *ext = &q->ext[i];

		facts_item(f, arena_printf(f->arena, "extension %s",
					   ext->name ? ext->name : "of unknown type"));
		if (f->json)
			facts_word(f, "name", ext->name);
		facts_place(f, ext->at);
		facts_hex(f, "type", ext->type);
		facts_field(f, "length", ext->len);
		facts_flag(f, "duplicate", ext->again);
		facts_group_end(f);
	}
	facts_list_end(f);
	rest_of(f, "extensions_not_shown", q->next);
	facts_word(f, "extensions_end", stop_words(q->ext_stop));
	if (q->slack.len) {
		facts_group(f, "bytes_of_nothing");
		facts_place(f, q->slack);
		facts_group_end(f);
	}
}

static void other_file(struct facts *f, const char *key, const struct qcow2_name *name,
		       const struct qcow2_ext *format_ext, struct str format)
{
	if (name->state == QCOW2_NAME_NONE && !format_ext)
		return;
	facts_group(f, key);
	if (name->at.len)
		facts_place(f, name->at);
	facts_word(f, "state", name_words(name->state));
	if (name->state == QCOW2_NAME_READ)
		facts_text(f, "name", name->text);
	if (format_ext)
		facts_text(f, "format", format);
	facts_group_end(f);
}

static void crypto(struct facts *f, const struct qcow2_crypto *c)
{
	if (!c->ext)
		return;
	facts_group(f, "luks_header");
	optional(f, "offset", c->offset);
	optional(f, "length", c->length);
	facts_flag(f, "inside", c->inside);
	facts_flag(f, "magic", c->magic);
	facts_group_end(f);
}

/* ---- snapshots and bitmaps ---- */

static void snapshots(struct facts *f, const struct qcow2 *q)
{
	const struct qcow2_snapshots *list = &q->snapshots;

	if (list->state == QCOW2_LIST_NONE)
		return;
	facts_field(f, "snapshot_count", q->nb_snapshots);
	facts_word(f, "snapshot_table", list_words(list->state));
	facts_list(f, "snapshots");
	for (size_t i = 0; i < shown_of(list->n); i++) {
		const struct qcow2_snapshot *s = &list->v[i];

		facts_item(f, arena_printf(f->arena, "snapshot %zu", i));
		facts_place(f, s->at);
		facts_text(f, "id", s->id);
		facts_text(f, "name", s->name);
		facts_field(f, "date", s->date_sec);
		facts_field(f, "date_nsec", s->date_nsec);
		facts_field(f, "vm_clock_nsec", s->clock_nsec);
		facts_size(f, "vm_state_size", qcow2_vm_state(s));
		if (s->disk_size.at.len)
			facts_size(f, "disk_size", s->disk_size.v);
		facts_field(f, "extra_data_size", s->extra_size);
		table(f, "l1_table", &s->l1);
		facts_group_end(f);
	}
	facts_list_end(f);
	rest_of(f, "snapshots_not_shown", list->n);
}

static void bitmap(struct facts *f, const struct qcow2_bitmap *b, size_t i)
{
	facts_item(f, arena_printf(f->arena, "bitmap %zu", i));
	facts_place(f, b->at);
	facts_text(f, "name", b->name);
	facts_hex(f, "flags", b->flags);
	facts_flag(f, "in_use", b->flags.v & QCOW2_BITMAP_IN_USE);
	facts_flag(f, "auto", b->flags.v & QCOW2_BITMAP_AUTO);
	facts_field(f, "type", b->type);
	facts_field(f, "granularity_bits", b->granularity_bits);
	facts_field(f, "extra_data_size", b->extra_size);
	table(f, "bitmap_table", &b->table);
	facts_group_end(f);
}

static void bitmaps(struct facts *f, const struct qcow2_bitmaps *list)
{
	if (!list->ext)
		return;
	optional(f, "bitmap_count", list->count);
	facts_word(f, "bitmap_directory", list_words(list->state));
	facts_list(f, "bitmaps");
	for (size_t i = 0; i < shown_of(list->n); i++)
		bitmap(f, &list->v[i], i);
	facts_list_end(f);
	rest_of(f, "bitmaps_not_shown", list->n);
}

void facts_of_qcow2(struct facts *f, const struct qcow2 *q)
{
	if (q->size.at.len)
		facts_size(f, "virtual_size", q->size.v);
	facts_size(f, "file_size", q->file_size);
	facts_of_locks(f, q->unit);
	facts_group(f, "qcow2");
	header(f, q);
	if (!q->geometry) {
		facts_word(f, "not_read", "the header is too damaged to go on from");
		facts_group_end(f);
		return;
	}
	table(f, "l1_table", &q->l1);
	table(f, "refcount_table", &q->rt);
	extensions(f, q);
	other_file(f, "backing_file", &q->backing, q->backing_format_ext,
		   q->backing_format);
	other_file(f, "data_file", &q->data_file, NULL, (struct str){ 0 });
	crypto(f, &q->crypto);
	snapshots(f, q);
	bitmaps(f, &q->bitmaps);
	if (q->limit)
		facts_word(f, "not_read", q->limit);
	facts_group_end(f);
}
