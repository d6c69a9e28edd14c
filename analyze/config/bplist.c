/* Binary property lists, read and never written. CoreFoundation, CFBinaryPList.c:
 *
 *     "bplist0?"  objects  table of their offsets  trailer of 32 bytes
 *     trailer: 6 unused, bytes of an offset, bytes of a reference, then as 64-bit numbers of
 *     the most significant byte first: how many objects, which is the root, where the table is
 *
 * An object is a byte of type and count, then its bytes, or references to others. Nothing
 * keeps those from forming a circle.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/config/plist.h"
#include "base/num.h"
#include "base/utf8.h"

#include "base/banned.h"

enum { HEADER = 8, TRAILER = 32 };

/* The upper half of an object's first byte. */
enum type {
	TYPE_SIMPLE = 0x0,
	TYPE_INTEGER = 0x1,
	TYPE_REAL = 0x2,
	TYPE_DATE = 0x3,
	TYPE_DATA = 0x4,
	TYPE_ASCII = 0x5,
	TYPE_UTF16 = 0x6,
	TYPE_UID = 0x8,
	TYPE_ARRAY = 0xa,
	TYPE_SET = 0xc,
	TYPE_DICT = 0xd,
};

struct reader {
	const struct source *src;
	struct view bytes;
	struct arena *a; /* NULL: nobody will ask what is wrong */
	struct syntax_error *bad;
	unsigned offset_size, ref_size;
	uint64_t objects, root, table;
	unsigned nodes, depth;
	const char *over; /* a limit that was reached */
};

struct object {
	uint8_t type, low;
	uint64_t count;   /* of bytes, characters, items or members */
	size_t from, len; /* what follows its first byte and count */
	struct span at;   /* all of it */
};

bool plist_is_binary(struct view head)
{
	return view_eq(head, 0, "bplist0", 7);
}

static bool refuse(struct reader *r, uint64_t off, uint64_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Returns false. */
static bool refuse(struct reader *r, uint64_t off, uint64_t len, const char *fmt, ...)
{
	va_list ap;

	if (!r->a)
		return false;
	va_start(ap, fmt);
	r->bad = arena_new(r->a, struct syntax_error);
	*r->bad = (struct syntax_error){ .at = { r->src, off, len },
					 .what = arena_vprintf(r->a, fmt, ap) };
	va_end(ap);
	return false;
}

static bool over(struct reader *r, const char *why)
{
	r->over = why;
	return false;
}

/* n bytes, 1 to 8, the most significant first. */
static uint64_t number(struct view v, size_t off, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++)
		x = x << 8 | view_u8(v, off + i);
	return x;
}

/* ---- the trailer ---- */

static bool read_trailer(struct reader *r)
{
	size_t at = r->bytes.n - TRAILER;
	uint64_t len;

	if (r->bytes.n < HEADER + 1 + TRAILER)
		return refuse(r, 0, r->bytes.n,
			      "%zu bytes, a binary property list has at least %d",
			      r->bytes.n, HEADER + 1 + TRAILER);
	r->offset_size = view_u8(r->bytes, at + 6);
	r->ref_size = view_u8(r->bytes, at + 7);
	r->objects = view_be64(r->bytes, at + 8);
	r->root = view_be64(r->bytes, at + 16);
	r->table = view_be64(r->bytes, at + 24);
	if (r->offset_size < 1 || r->offset_size > 8 || r->ref_size < 1 ||
	    r->ref_size > 8)
		return refuse(r, at + 6, 2,
			      "offsets of %u bytes and references of %u, expected 1 to 8",
			      r->offset_size, r->ref_size);
	if (!u64_mul(r->objects, r->offset_size, &len) || r->objects == 0 ||
	    r->table < HEADER + 1 || !range_within(r->table, len, at))
		return refuse(r, at + 8, 24,
			      "a table of %llu offsets at byte %llu, expected it before "
			      "byte %zu",
			      (unsigned long long)r->objects,
			      (unsigned long long)r->table, at);
	if (r->root >= r->objects)
		return refuse(r, at + 16, 8, "the root is object %llu of %llu",
			      (unsigned long long)r->root,
			      (unsigned long long)r->objects);
	return true;
}

/* ---- objects ---- */

/* A count of 15 means that a number follows, as an object of its own. */
static bool read_count(struct reader *r, struct object *o)
{
	size_t n;

	o->count = o->low;
	if (o->low != 15 || o->type < TYPE_DATA || o->type == TYPE_UID)
		return true;
	if (!view_has(r->bytes, o->from, 1) ||
	    view_u8(r->bytes, o->from) >> 4 != TYPE_INTEGER)
		return refuse(r, o->at.off, 1, "an object whose count is no number");
	n = (size_t)1 << (view_u8(r->bytes, o->from) & 15);
	if (n > 8 || !view_has(r->bytes, o->from + 1, n))
		return refuse(r, o->at.off, 1, "an object whose count is no number");
	o->count = number(r->bytes, o->from + 1, n);
	o->from += 1 + n;
	return true;
}

/* How many bytes each of `count` takes; 0: no such type. */
static uint64_t unit_size(const struct reader *r, const struct object *o)
{
	switch (o->type) {
	case TYPE_DATA:
	case TYPE_ASCII:
		return 1;
	case TYPE_UTF16:
		return 2;
	case TYPE_ARRAY:
	case TYPE_SET:
		return r->ref_size;
	case TYPE_DICT:
		return (uint64_t)r->ref_size * 2;
	default:
		return 0;
	}
}

static bool read_extent(struct reader *r, struct object *o)
{
	uint64_t len, unit = unit_size(r, o), end = r->table;

	if (unit) {
		if (!u64_mul(o->count, unit, &len))
			len = UINT64_MAX;
	} else if (o->type == TYPE_SIMPLE) {
		len = 0;
	} else if (o->type == TYPE_UID) {
		len = (uint64_t)o->low + 1;
	} else {
		len = UINT64_C(1) << o->low; /* numbers: of up to 16 bytes */
	}
	if (!range_within(o->from, len, end))
		return refuse(r, o->at.off, 1,
			      "an object that reaches into the table of offsets");
	o->len = (size_t)len;
	o->at.len = o->from + len - o->at.off;
	return true;
}

static bool is_known(const struct object *o)
{
	switch (o->type) {
	case TYPE_SIMPLE:
		return o->low == 0 || o->low == 8 || o->low == 9;
	case TYPE_INTEGER:
		return o->low <= 4;
	case TYPE_REAL:
		return o->low == 2 || o->low == 3;
	case TYPE_DATE:
		return o->low == 3;
	case TYPE_DATA:
	case TYPE_ASCII:
	case TYPE_UTF16:
	case TYPE_UID:
	case TYPE_ARRAY:
	case TYPE_SET:
	case TYPE_DICT:
		return true;
	default:
		return false;
	}
}

static bool read_object(struct reader *r, uint64_t ref, struct object *o)
{
	size_t slot = (size_t)(r->table + ref * r->offset_size);
	uint64_t off = number(r->bytes, slot, r->offset_size);

	if (off < HEADER || off >= r->table)
		return refuse(r, slot, r->offset_size,
			      "object %llu is at byte %llu, expected it between the "
			      "header and the table",
			      (unsigned long long)ref, (unsigned long long)off);
	*o = (struct object){ .type = view_u8(r->bytes, (size_t)off) >> 4,
			      .low = view_u8(r->bytes, (size_t)off) & 15,
			      .from = (size_t)off + 1,
			      .at = { r->src, off, 1 } };
	if (!is_known(o))
		return refuse(r, off, 1, "an object of type 0x%02x, which is none",
			      view_u8(r->bytes, (size_t)off));
	return read_count(r, o) && read_extent(r, o);
}

/* The i-th reference of a container. */
static bool reference(struct reader *r, const struct object *o, uint64_t i, uint64_t *ref)
{
	size_t at = o->from + (size_t)i * r->ref_size;

	*ref = number(r->bytes, at, r->ref_size);
	return *ref < r->objects ||
	       refuse(r, at, r->ref_size, "a reference to object %llu of %llu",
		      (unsigned long long)*ref, (unsigned long long)r->objects);
}

/* ---- the first page ---- */

bool bplist_root_has(struct view bytes, const char *name)
{
	struct reader r = { .bytes = bytes };
	struct object root, key;
	uint64_t ref;

	if (bytes.n < HEADER + 1 + TRAILER || !read_trailer(&r) ||
	    !read_object(&r, r.root, &root))
		return str_has(str_view(bytes), name);
	for (uint64_t i = 0; root.type == TYPE_DICT && i < root.count; i++) {
		if (reference(&r, &root, i, &ref) && read_object(&r, ref, &key) &&
		    key.type == TYPE_ASCII &&
		    str_is(str_view(view_cut(bytes, key.from, key.len)), name))
			return true;
	}
	return false;
}

/* ---- values ---- */

/* UTF-16, the most significant byte first; half a pair is U+FFFD. */
static bool read_utf16(struct reader *r, const struct object *o, struct str *out)
{
	uint8_t *text = arena_try(r->a, (uint64_t)o->len / 2 * 3 + 1, 1);
	size_t n = 0;

	if (!text)
		return over(r, "has text that needs more memory than is allowed");
	for (size_t i = 0; i + 2 <= o->len; i += 2) {
		uint32_t c = view_be16(r->bytes, o->from + i), low = 0;

		if (c >= 0xd800 && c <= 0xdbff && i + 4 <= o->len)
			low = view_be16(r->bytes, o->from + i + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if (c >= 0xd800 && c <= 0xdfff) {
			c = 0xfffd;
		}
		n += utf8_put(c, text + n);
	}
	*out = (struct str){ (const char *)text, n };
	return true;
}

static bool read_string(struct reader *r, const struct object *o, struct str *out)
{
	*out = str_view(view_cut(r->bytes, o->from, o->len));
	if (o->type == TYPE_UTF16)
		return read_utf16(r, o, out);
	for (size_t i = 0; i < out->n; i++) {
		if ((uint8_t)out->p[i] >= 0x80)
			return refuse(r, o->from + i, 1,
				      "byte 0x%02x in a string that is said to be ASCII",
				      (uint8_t)out->p[i]);
	}
	return true;
}

static double real_of(const struct reader *r, const struct object *o)
{
	uint64_t bits = number(r->bytes, o->from, o->len);
	uint32_t half = (uint32_t)bits;
	float f;
	double d;

	if (o->len == sizeof(f)) {
		memcpy(&f, &half, sizeof(f));
		return (double)f;
	}
	memcpy(&d, &bits, sizeof(d));
	return d;
}

/* Of 16 bytes the upper half is a sign, or nothing. */
static const char *integer_of(const struct reader *r, const struct object *o)
{
	size_t n = o->len < 8 ? o->len : 8;
	uint64_t v = number(r->bytes, o->from + o->len - n, n);

	if (o->len == 8 && v >> 63)
		return arena_printf(r->a, "-%llu", (unsigned long long)(0 - v));
	return arena_printf(r->a, "%llu", (unsigned long long)v);
}

static bool read_scalar(struct reader *r, const struct object *o, struct node *n)
{
	n->kind = NODE_SCALAR;
	n->type = SCALAR_STRING;
	switch (o->type) {
	case TYPE_SIMPLE:
		n->type = o->low ? SCALAR_BOOL : SCALAR_NULL;
		n->text = str_of(o->low == 9 ? "true" : o->low ? "false" : "");
		return true;
	case TYPE_INTEGER:
		n->type = SCALAR_NUMBER;
		n->text = str_of(integer_of(r, o));
		return true;
	case TYPE_REAL:
	case TYPE_DATE:
		n->type = SCALAR_NUMBER;
		n->text = str_of(arena_printf(r->a, "%.17g", real_of(r, o)));
		return true;
	case TYPE_ASCII:
	case TYPE_UTF16:
		return read_string(r, o, &n->text);
	default:
		n->text = str_view(view_cut(r->bytes, o->from, o->len));
		return true;
	}
}

static struct node *new_node(struct reader *r, const struct object *o, struct node *up)
{
	struct node *n = ++r->nodes <= BPLIST_NODES_MAX ? node_try_new(r->a, up) : NULL;

	if (!n) {
		over(r, "has more values than are read, or memory is allowed for");
		return NULL;
	}
	n->syntax = SYNTAX_PLIST;
	n->flow = true;
	n->scattered = true;
	n->key_at = (struct span){ r->src, o->at.off, 0 };
	n->text_at = (struct span){ r->src, o->from, o->len };
	n->open_at = n->whole = o->at;
	return n;
}

static bool read_value(struct reader *r, uint64_t ref, const struct object *key,
		       struct node *up, struct node **out);

static bool read_key(struct reader *r, uint64_t ref, struct object *key)
{
	return read_object(r, ref, key) &&
	       (key->type == TYPE_ASCII || key->type == TYPE_UTF16 ||
		refuse(r, key->at.off, key->at.len, "a key that is no string"));
}

static bool read_container(struct reader *r, const struct object *o, struct node *n)
{
	uint64_t ref, key_ref;
	struct object key;
	struct node *child;

	n->kind = o->type == TYPE_DICT ? NODE_MAP : NODE_LIST;
	for (uint64_t i = 0; i < o->count; i++) {
		if (n->kind == NODE_LIST) {
			if (!reference(r, o, i, &ref) ||
			    !read_value(r, ref, NULL, n, &child))
				return false;
		} else if (!reference(r, o, i, &key_ref) || !read_key(r, key_ref, &key) ||
			   !reference(r, o, o->count + i, &ref) ||
			   !read_value(r, ref, &key, n, &child)) {
			return false;
		}
	}
	return true;
}

/* As deep as BPLIST_DEPTH_MAX, which is what ends a circle. NOLINTNEXTLINE(misc-no-recursion) */
static bool read_value(struct reader *r, uint64_t ref, const struct object *key,
		       struct node *up, struct node **out)
{
	struct object o;
	struct node *n;
	bool ok;

	if (!read_object(r, ref, &o))
		return false;
	n = *out = new_node(r, &o, up);
	if (!n)
		return false;
	if (key) {
		n->key_at = (struct span){ r->src, key->from, key->len };
		if (!read_string(r, key, &n->key))
			return false;
	}
	if (o.type != TYPE_ARRAY && o.type != TYPE_SET && o.type != TYPE_DICT)
		return read_scalar(r, &o, n);
	if (r->depth == BPLIST_DEPTH_MAX)
		return refuse(r, o.at.off, o.at.len,
			      "objects that are more than %d deep, or within themselves",
			      BPLIST_DEPTH_MAX);
	r->depth++;
	ok = read_container(r, &o, n);
	r->depth--;
	return ok;
}

int bplist_read(const struct source *src, struct view bytes, struct arena *a,
		struct node **root, const struct syntax_error **bad, struct err *e)
{
	struct reader r = { .src = src, .bytes = bytes, .a = a };
	struct node *value = NULL;

	*root = NULL;
	*bad = NULL;
	if (bytes.n > BPLIST_SIZE_MAX)
		return err_set(
			e, ERR_LIMIT,
			"has %zu bytes, binary property lists of up to %d are read",
			bytes.n, BPLIST_SIZE_MAX);
	if (read_trailer(&r) && read_value(&r, r.root, NULL, NULL, &value)) {
		node_index(value);
		*root = value;
	} else if (r.over) {
		return err_set(e, ERR_LIMIT, "%s", r.over);
	}
	*bad = r.bad;
	return 0;
}
