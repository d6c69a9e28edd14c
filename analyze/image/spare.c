/* ext: Linux, Documentation/filesystems/ext4/super.rst. XFS: Linux, fs/xfs/libxfs/xfs_format.h.
 * btrfs: Linux, include/uapi/linux/btrfs_tree.h. NTFS: a copy of the boot sector in the last
 * sector of the partition.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/spare.h"

#include "analyze/image/image.h"
#include "base/banned.h"

enum {
	HEAD = 8192,  /* of a volume: what tells where its spares are */
	SPARE = 1024, /* of one; of XFS's, HEAD: a second sector */
	UUID = 16,
	SECTOR = 512,
};

/* ---- ext ---- */

enum {
	EXT_SUPER = 1024,
	EXT_FIRST_BLOCK = 20,
	EXT_LOG_BLOCK = 24,
	EXT_PER_GROUP = 32,
	EXT_MAGIC = 56,
	EXT_GROUP = 90,
	EXT_COMPAT = 92,
	EXT_RO_COMPAT = 100,
	EXT_UUID = 104,
	EXT_SUPER_SIZE = 256, /* of what is read of one */
	EXT_SPARSE = 1,       /* of RO_COMPAT */
	EXT_SPARSE2 = 0x200,  /* of COMPAT */
};

/* The group with a spare after g: powers of 3, 5 and 7, or each. */
static uint64_t next_group(uint64_t g, bool sparse)
{
	static const unsigned bases[] = { 3, 5, 7 };
	uint64_t next = g + 1;

	for (size_t i = 0; sparse && g > 0 && i < 3; i++) {
		uint64_t power = bases[i];

		while (power <= g)
			power *= bases[i];
		next = i == 0 ? power : u64_min(next, power);
	}
	return next;
}

static size_t ext_spares(const struct volume *v, struct view head, struct spare *out)
{
	struct view super = view_cut(head, EXT_SUPER, EXT_SUPER_SIZE);
	uint32_t log = view_le32(super, EXT_LOG_BLOCK);
	uint64_t first = view_le32(super, EXT_FIRST_BLOCK), at;
	uint64_t per = view_le32(super, EXT_PER_GROUP);
	bool sparse = view_le32(super, EXT_RO_COMPAT) & EXT_SPARSE;
	size_t n = 0;

	if (log > 6 || per == 0 || view_le32(super, EXT_COMPAT) & EXT_SPARSE2)
		return 0;
	for (uint64_t g = 1; n < SPARES_MAX && g <= UINT32_MAX;
	     g = next_group(g, sparse)) {
		if (!u64_mul(first + g * per, UINT64_C(1024) << log, &at) ||
		    at >= v->fs->size.v)
			break;
		out[n++] = (struct spare){ v, v->off + at, g };
	}
	return n;
}

static bool ext_stands(const struct spare *s, struct view head, struct view there)
{
	return view_le16(there, EXT_MAGIC) == 0xef53 &&
	       view_le16(there, EXT_GROUP) == (s->number & 0xffff) &&
	       view_eq(view_cut(there, EXT_UUID, UUID), 0,
		       view_cut(head, EXT_SUPER + EXT_UUID, UUID).p, UUID);
}

/* ---- XFS ---- */

enum {
	XFS_BLOCK = 4,
	XFS_UUID = 32,
	XFS_AG_BLOCKS = 84,
	XFS_AG_COUNT = 88,
	XFS_SECTOR = 102,
	XFS_AGF_NUMBER = 8, /* from the second sector of the group */
};

static size_t xfs_spares(const struct volume *v, struct view head, struct spare *out)
{
	uint64_t groups = view_be32(head, XFS_AG_COUNT), size;
	size_t n = 0;

	if (!u64_mul(view_be32(head, XFS_AG_BLOCKS), view_be32(head, XFS_BLOCK), &size) ||
	    size == 0)
		return 0;
	for (uint64_t i = 1; i < groups && n < SPARES_MAX && i < v->len / size; i++)
		out[n++] = (struct spare){ v, v->off + i * size, i };
	return n;
}

static bool xfs_stands(const struct spare *s, struct view head, struct view there)
{
	size_t agf = view_be16(head, XFS_SECTOR);

	return view_eq(there, 0, "XFSB", 4) &&
	       view_eq(view_cut(there, XFS_UUID, UUID), 0,
		       view_cut(head, XFS_UUID, UUID).p, UUID) &&
	       agf >= SECTOR && view_has(there, agf, XFS_AGF_NUMBER + 4) &&
	       view_eq(there, agf, "XAGF", 4) &&
	       view_be32(there, agf + XFS_AGF_NUMBER) == s->number;
}

/* ---- btrfs ---- */

enum { BTRFS_SUPER = 64 << 10, BTRFS_FSID = 32, BTRFS_BYTENR = 48, BTRFS_MAGIC = 64 };

static size_t btrfs_spares(const struct volume *v, struct spare *out)
{
	static const uint64_t at[] = { UINT64_C(64) << 20, UINT64_C(256) << 30 };
	size_t n = 0;

	while (n < 2 && at[n] + HEAD <= v->len) {
		out[n] = (struct spare){ v, v->off + at[n], at[n] };
		n++;
	}
	return n;
}

/* head: of its first superblock. */
static bool btrfs_stands(const struct spare *s, struct view head, struct view there)
{
	return view_eq(there, BTRFS_MAGIC, "_BHRfS_M", 8) &&
	       view_le64(there, BTRFS_BYTENR) == s->number &&
	       view_eq(view_cut(there, BTRFS_FSID, UUID), 0,
		       view_cut(head, BTRFS_FSID, UUID).p, UUID);
}

/* ---- all ---- */

static bool is(const struct volume *v, const char *name)
{
	return strcmp(v->fs->name, name) == 0;
}

static bool head_of(const struct volume *v, struct arena *a, struct view *out)
{
	uint64_t off = is(v, "btrfs") ? BTRFS_SUPER : 0;
	struct err e;

	return range_within(off, HEAD, v->len) &&
	       image_view(v->image, a, v->off + off, HEAD, out, &e) == 0;
}

size_t spares_of(const struct volume *v, struct spare *out, struct arena *a)
{
	struct view head;

	if (!v->fs || !v->fs->size.at.len || !head_of(v, a, &head))
		return 0;
	if (is(v, "ext"))
		return ext_spares(v, head, out);
	if (is(v, "XFS"))
		return xfs_spares(v, head, out);
	if (is(v, "btrfs"))
		return btrfs_spares(v, out);
	if (!is(v, "NTFS") || v->len < 2 * HEAD)
		return 0;
	out[0] = (struct spare){ v, v->off + v->len - SECTOR, 0 };
	return 1;
}

bool spare_stands(const struct spare *s, const struct image *img, struct arena *a)
{
	uint64_t n = is(s->volume, "NTFS") ? SECTOR : is(s->volume, "XFS") ? HEAD : SPARE;
	struct view head, there;
	struct err e;

	if (!range_within(s->off, n, img->size) || !head_of(s->volume, a, &head) ||
	    image_view(img, a, s->off, n, &there, &e) != 0)
		return false;
	if (is(s->volume, "ext"))
		return ext_stands(s, head, there);
	if (is(s->volume, "XFS"))
		return xfs_stands(s, head, there);
	if (is(s->volume, "btrfs"))
		return btrfs_stands(s, head, there);
	return view_eq(there, 0, head.p, SECTOR);
}
