/* Volume descriptors, and what follows from all of them. ECMA-119, 8; Joliet; SUSP 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"

#include "analyze/image/iso_read.h"
#include "analyze/unit.h"
#include "base/utf16.h"
#include "base/banned.h"

enum {
	VD_BOOT = 0,
	VD_PRIMARY = 1,
	VD_SUPPLEMENTARY = 2,
	VD_END = 255,
	BLOCK_FIELD = 2048,
	UDF_LOOK =
		8, /* sectors behind the descriptors in which UDF says that it is there */
	UDF_ANCHOR = 256,
	ROOT_SIZE = 34,
	MEDIUM_MAX = 1 << 26, /* blocks: there is none of more than 128 GiB */
};

static struct field iso_be(const struct iso_reader *r, struct view v, uint64_t base,
			   size_t off, size_t len)
{
	return (struct field){ .v = len == 2 ? view_be16(v, off) : view_be32(v, off),
			       .at = { r->img->src, base + off, len } };
}

struct iso_pair iso_pair_read(const struct iso_reader *r, struct view v, uint64_t base,
			      size_t off, size_t len)
{
	return (struct iso_pair){ .le = image_field(r->img, v, base, off, len),
				  .be = iso_be(r, v, base, off + len, len) };
}

struct view iso_look(struct iso_reader *r, uint64_t off, size_t n)
{
	struct view v = { 0 };
	uint8_t *p;

	if (range_within(off, n, r->img->head.n))
		return view_cut(r->img->head, (size_t)off, n);
	p = arena_try(r->a, n, 1);
	if (!p)
		r->look.why = "it would take more memory than is allowed";
	else if (look_read(&r->look, off, p, n))
		v = (struct view){ p, n };
	return v;
}

/* ---- volumes ---- */

static struct str trimmed(struct iso_reader *r, struct view v, bool wide)
{
	return wide ? str_trim(utf16_text(r->a, v, true))
		    : str_trim(str_of(arena_str(r->a, str_view(v))));
}

static bool is_joliet(struct view d)
{
	return view_eq(d, ISO_VD_ESCAPES, "%/@", 3) ||
	       view_eq(d, ISO_VD_ESCAPES, "%/C", 3) ||
	       view_eq(d, ISO_VD_ESCAPES, "%/E", 3);
}

static void add_volume(struct iso_reader *r, struct view d, uint64_t off)
{
	struct iso *iso = r->iso;
	struct iso_volume *v = &iso->volume[iso->nvolumes];

	if (iso->nvolumes == ISO_VOLUMES_MAX)
		return;
	*v = (struct iso_volume){ .image = r->img,
				  .at = look_span(&r->look, off, ISO_SECTOR),
				  .raw = d };
	v->kind = view_u8(d, ISO_VD_TYPE) == VD_PRIMARY ? ISO_PRIMARY
		  : is_joliet(d)                        ? ISO_JOLIET
							: ISO_ENHANCED;
	if (v->kind == ISO_PRIMARY && iso->primary)
		return; /* a copy of it, ECMA-119 6.7.1 */
	v->name = trimmed(r, view_cut(d, ISO_VD_NAME, ISO_VD_NAME_SIZE),
			  v->kind == ISO_JOLIET);
	v->space = iso_pair_read(r, d, off, ISO_VD_SPACE, 4);
	v->set_size = iso_pair_read(r, d, off, ISO_VD_SET_SIZE, 2);
	v->sequence = iso_pair_read(r, d, off, ISO_VD_SEQUENCE, 2);
	v->block_size = iso_pair_read(r, d, off, ISO_VD_BLOCK_SIZE, 2);
	v->paths_size = iso_pair_read(r, d, off, ISO_VD_PATHS_SIZE, 4);
	v->root_extent = iso_pair_read(r, d, off, ISO_VD_ROOT + ISO_DR_EXTENT, 4);
	v->root_size = iso_pair_read(r, d, off, ISO_VD_ROOT + ISO_DR_SIZE, 4);
	v->little.lba = image_field(r->img, d, off, ISO_VD_PATHS_L, 4);
	v->big.lba = iso_be(r, d, off, ISO_VD_PATHS_M, 4);
	v->big.big = true;
	iso->nvolumes++;
	if (v->kind == ISO_PRIMARY)
		iso->primary = v;
	if (v->kind == ISO_JOLIET && !iso->joliet)
		iso->joliet = v;
}

/* All but its first seven bytes says that it is a primary descriptor. */
static bool is_lost_primary(struct view d)
{
	unsigned matching = 0;

	for (size_t i = 0; i < 7; i++)
		matching += view_eq(d, i, &"\1CD001\1"[i], 1);
	return matching >= 3 && view_le16(d, ISO_VD_BLOCK_SIZE) == BLOCK_FIELD &&
	       view_be16(d, ISO_VD_BLOCK_SIZE + 2) == BLOCK_FIELD &&
	       view_u8(d, ISO_VD_ROOT) == ROOT_SIZE &&
	       view_le32(d, ISO_VD_SPACE) == view_be32(d, ISO_VD_SPACE + 4) &&
	       view_u8(d, ISO_VD_ESCAPES) == 0;
}

bool iso_begins(struct view head)
{
	struct view d = { 0 };

	if (view_has(head, ISO_FIRST * ISO_SECTOR, ISO_SECTOR))
		d = view_cut(head, ISO_FIRST * ISO_SECTOR, ISO_SECTOR);
	return d.n && view_eq(d, 0, "\1CD001\1", 7) &&
	       view_eq(d, ISO_VD_BLOCK_SIZE, "\0\10\10\0", 4) &&
	       view_u8(d, ISO_VD_ROOT) == ROOT_SIZE;
}

static bool is_descriptor(struct view d)
{
	return view_eq(d, ISO_VD_ID, "CD001", 5);
}

/* Does another one say that it is the primary? */
static bool has_primary(struct iso_reader *r)
{
	for (uint64_t i = 1; i < ISO_DESCRIPTORS_MAX; i++) {
		struct view d = iso_look(r, (ISO_FIRST + i) * ISO_SECTOR, ISO_SECTOR);

		if (!is_descriptor(d) || d.p[0] == VD_END)
			return false;
		if (d.p[0] == VD_PRIMARY)
			return true;
	}
	return false;
}

/* The set of descriptors: up to its terminator, or to what is none. */
static void read_descriptors(struct iso_reader *r)
{
	struct iso *iso = r->iso;

	for (uint64_t i = 0; i < ISO_DESCRIPTORS_MAX; i++) {
		uint64_t off = (ISO_FIRST + i) * ISO_SECTOR;
		struct view d = iso_look(r, off, ISO_SECTOR);

		if (d.n == 0)
			return;
		if (i == 0 &&
		    !(is_descriptor(d) && d.p[0] == VD_PRIMARY && d.p[6] == 1) &&
		    is_lost_primary(d) && !has_primary(r)) {
			iso->primary_lost = look_span(&r->look, off, 7);
			iso->ndescriptors++;
			add_volume(r, d, off);
			iso->volume[0].kind = ISO_PRIMARY;
			iso->primary = &iso->volume[0];
			continue;
		}
		/* Where the first is gone, there may still be others. */
		if (!is_descriptor(d) && i == 0)
			continue;
		if (!is_descriptor(d)) {
			iso->unended = look_span(&r->look, off, ISO_SECTOR);
			iso->blank_behind = view_is_zero(d);
			return;
		}
		iso->ndescriptors++;
		if (d.p[0] == VD_END) {
			iso->terminator = look_span(&r->look, off, ISO_SECTOR);
			return;
		}
		if (d.p[0] == VD_PRIMARY || d.p[0] == VD_SUPPLEMENTARY)
			add_volume(r, d, off);
		else if (d.p[0] == VD_BOOT && iso->catalog.state == ISO_CATALOG_NONE)
			iso_catalog_read(r, d, off);
	}
}

/* ---- what proves a number of a descriptor ---- */

static void prove(struct iso_pair *p, bool little, bool big)
{
	if (!iso_pair_agrees(p) && little != big)
		p->proven = little ? ISO_LITTLE : ISO_BIG;
}

static bool holds_all(const struct iso_volume *v, uint64_t blocks)
{
	uint64_t bytes;

	return blocks && u64_mul(blocks, ISO_SECTOR, &bytes) && bytes >= v->reach;
}

static const struct iso_pair *space_of(const struct iso_volume *v)
{
	return &v->space;
}

static const struct iso_pair *set_size_of(const struct iso_volume *v)
{
	return &v->set_size;
}

static const struct iso_pair *sequence_of(const struct iso_volume *v)
{
	return &v->sequence;
}

/* Which half of p, v's, is what another descriptor says. */
static void prove_by_others(const struct iso_reader *r, const struct iso_volume *v,
			    struct iso_pair *p,
			    const struct iso_pair *(*of)(const struct iso_volume *))
{
	for (size_t i = 0; i < r->iso->nvolumes; i++) {
		const struct iso_volume *o = &r->iso->volume[i];
		const struct iso_pair *x = of(o);

		if (o != v && iso_pair_agrees(x))
			prove(p, p->le.v == x->le.v, p->be.v == x->le.v);
	}
}

/* How large the volume is: as another descriptor says, or as large as the image, or not so
 * large, or small, that it cannot be. */
static void prove_space(struct iso_reader *r, struct iso_volume *v)
{
	uint64_t blocks = iso_blocks(r);
	struct iso_pair *p = &v->space;

	if (iso_pair_agrees(p))
		return;
	prove_by_others(r, v, p, space_of);
	if (p->proven == ISO_NEITHER)
		prove(p, p->le.v == blocks, p->be.v == blocks);
	/* The larger one may be right, and the file have ended too early. */
	if (p->proven == ISO_NEITHER && v->complete)
		prove(p, holds_all(v, p->le.v) && p->le.v <= MEDIUM_MAX,
		      holds_all(v, p->be.v) && p->be.v <= MEDIUM_MAX);
}

static void prove_numbers(struct iso_reader *r, struct iso_volume *v)
{
	prove_space(r, v);
	prove_by_others(r, v, &v->set_size, set_size_of);
	prove_by_others(r, v, &v->sequence, sequence_of);
	/* A set of one, as nearly all are. */
	if (v->set_size.proven == ISO_NEITHER)
		prove(&v->set_size, v->set_size.le.v == 1, v->set_size.be.v == 1);
	if (v->sequence.proven == ISO_NEITHER)
		prove(&v->sequence, v->sequence.le.v == 1, v->sequence.be.v == 1);
	prove(&v->block_size, v->block_size.le.v == BLOCK_FIELD,
	      v->block_size.be.v == BLOCK_FIELD);
}

/* ---- Rock Ridge and UDF ---- */

static bool is_susp(struct view d, size_t at)
{
	static const char *const words[] = { "RR", "PX", "TF", "CE" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (view_eq(d, at, words[i], 2) && view_u8(d, at + 3) == 1)
			return true;
	}
	return false;
}

static bool is_mostly_sp(struct view d, size_t at)
{
	static const char sp[] = "SP\7\1\xbe\xef";
	unsigned same = 0;

	for (size_t i = 0; i < sizeof(sp) - 1; i++)
		same += view_eq(d, at + i, &sp[i], 1);
	return same >= 4;
}

/* The root's first record carries what SUSP 5.3 wants: SP, and behind it the rest. */
static void read_susp(struct iso_reader *r)
{
	const struct iso_volume *v = r->iso->primary;
	uint64_t off = iso_value(&v->root_extent) * ISO_SECTOR;
	struct view d;
	size_t at;

	if (off > r->img->size || !range_within(off, ISO_SECTOR, r->img->size))
		return;
	d = iso_look(r, off, ISO_SECTOR);
	if (d.n == 0 || view_u8(d, 0) < ISO_DR_MIN)
		return;
	at = ISO_DR_MIN;
	if (view_u8(d, 0) < at + 11)
		return;
	r->iso->susp_ok = view_eq(d, at, "SP\7\1\xbe\xef", 6);
	/* Damaged, most of it is there, and what Rock Ridge begins with behind it. */
	if (!r->iso->susp_ok && !(is_mostly_sp(d, at) && is_susp(d, at + 7)))
		return;
	r->iso->rock_ridge = true;
	r->iso->susp = look_span(&r->look, off + at, 6);
}

static void read_udf(struct iso_reader *r)
{
	uint64_t off = (ISO_FIRST + r->iso->ndescriptors) * ISO_SECTOR;

	for (unsigned i = 0; i < UDF_LOOK; i++, off += ISO_SECTOR) {
		struct view d;

		if (!range_within(off, ISO_SECTOR, r->img->size))
			return;
		d = iso_look(r, off, ISO_SECTOR);
		if (view_eq(d, 1, "NSR02", 5) || view_eq(d, 1, "NSR03", 5)) {
			r->iso->udf = true;
			r->iso->udf_at = look_span(&r->look, off + 1, 5);
		} else if (!view_eq(d, 1, "BEA01", 5)) {
			break;
		}
	}
	if (!r->iso->udf)
		return;
	off = (uint64_t)UDF_ANCHOR * ISO_SECTOR;
	if (range_within(off, ISO_SECTOR, r->img->size)) {
		struct view d = iso_look(r, off, ISO_SECTOR);

		/* ECMA-167, 3/7.2: the tag's number, and its sum */
		r->iso->udf_anchor =
			d.n && view_le16(d, 0) == 2 && view_le32(d, 12) == UDF_ANCHOR;
	} else {
		r->iso->udf_anchor = true; /* it is not here to be asked */
	}
}

/* ---- all of it ---- */

static bool same_root(const struct iso *iso, const struct iso_volume *v)
{
	for (size_t i = 0; &iso->volume[i] < v; i++) {
		if (iso_value(&iso->volume[i].root_extent) == v->root_extent.le.v)
			return true;
	}
	return false;
}

static void read_volumes(struct iso_reader *r)
{
	struct iso *iso = r->iso;

	for (size_t i = 0; i < iso->nvolumes; i++) {
		struct iso_volume *v = &iso->volume[i];

		if (!same_root(iso, v))
			iso_tree_read(r, v);
		prove_numbers(r, v);
		if (v->ndirs && !r->img->unit->host->shallow)
			iso_paths_read(r, v);
	}
	if (!iso->primary)
		return;
	if (!u64_mul(iso_value(&iso->primary->space), ISO_SECTOR, &iso->volume_end))
		iso->volume_end = 0;
	read_susp(r);
}

int iso_image_read(const struct iso **out, struct image *img, struct arena *a,
		   struct err *e)
{
	struct iso *iso = arena_new(a, struct iso);
	struct iso_reader *r = arena_new(a, struct iso_reader);
	bool deep = img->unit->host->deep;

	*r = (struct iso_reader){ .iso = iso,
				  .img = img,
				  .a = a,
				  .look = { .src = img->src,
					    .a = a,
					    .reads = deep ? ISO_READS_DEEP : ISO_READS,
					    .bytes = deep ? ISO_BYTES_DEEP : ISO_BYTES,
					    .e = e } };
	r->tree = r->look;
	r->tree.of = &r->look;
	r->tree.reads -= ISO_READS_KEPT;
	r->tree.bytes -= ISO_BYTES_KEPT;
	iso->image = img;
	read_descriptors(r);
	read_volumes(r);
	iso_use_end(r);
	read_udf(r);
	iso_catalog_search(r);
	iso_boot_images_read(r);
	if (r->look.broken || r->tree.broken || iso_disk_read(r, e) != 0)
		return -1;
	iso_boot_seek(r);
	if (iso->primary)
		iso_md5_find(r);
	if (img->unit->host->deep && iso->md5.readable && iso_md5_check(r, e) != 0)
		return -1;
	*out = iso;
	return r->look.broken ? -1 : 0;
}

const struct iso_volume *iso_shown(const struct iso *iso)
{
	return !iso->rock_ridge && iso->joliet ? iso->joliet : iso->primary;
}

uint64_t iso_missing(const struct iso *iso)
{
	const struct iso_volume *v = iso->primary;
	uint64_t have = iso->image->size;

	/* Of two numbers of which nobody knows the right one, the lesser may be it. */
	if (!v || iso->volume_end <= have ||
	    (!iso_pair_agrees(&v->space) && v->space.proven == ISO_NEITHER &&
	     u64_min(v->space.le.v, v->space.be.v) <= have / ISO_SECTOR))
		return 0;
	return iso->volume_end - have;
}
