/* What the tables of a QCOW2 image say together: who refers to which cluster, what is wrong
 * with entries, and where refcounts disagree with the references. docs/interop/qcow2.txt of
 * QEMU.
 *
 * Every L1 table (the active one and those of snapshots), every distinct L2 table and every
 * refcount block is read once, in pieces; only when something is wrong are the L2 tables
 * read again, to say whose entries it is about. Facts, not verdicts: a flaw is a place
 * where the format's own words do not hold.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_SCAN_H
#define ANALYZE_IMAGE_QCOW2_SCAN_H

#include "analyze/image/qcow2.h"
#include "analyze/image/qcow2_refs.h"

/* ---- owners: what a host cluster is used for ---- */

#define QCOW2_USES(X)                                                                    \
	X(HEADER, "the header")                                                          \
	X(REFCOUNT_TABLE, "the refcount table")                                          \
	X(REFCOUNT_BLOCK, "a refcount block")                                            \
	X(L1, "the active L1 table")                                                     \
	X(L2, "an L2 table")                                                             \
	X(SNAPSHOT_TABLE, "the snapshot table")                                          \
	X(SNAPSHOT_L1, "the L1 table of a snapshot")                                     \
	X(BITMAP_DIRECTORY, "the bitmap directory")                                      \
	X(BITMAP_TABLE, "the table of a bitmap")                                         \
	X(BITMAP_DATA, "bits of a bitmap")                                               \
	X(CRYPTO, "the encryption header")                                               \
	X(DATA, "guest data")                                                            \
	X(COMPRESSED, "compressed guest data")                                           \
	X(VM_STATE, "VM state")

enum qcow2_use {
#define X(name, title) QCOW2_USE_##name,
	QCOW2_USES(X)
#undef X
};
#define QCOW2_ACTIVE UINT32_MAX /* no snapshot */

const char *qcow2_use_title(enum qcow2_use u);
/* Neither guest data nor VM state. */
bool qcow2_use_is_metadata(enum qcow2_use u);

struct qcow2_owner {
	enum qcow2_use use;
	uint32_t
		snapshot; /* index: of L1, L2, data: whose they are first; QCOW2_ACTIVE */
	struct span at;   /* what refers: an entry, or a field of the header */
	uint64_t entry;   /* its value */
	uint64_t guest;   /* data: guest offset. L2: of what it maps first. Bytes */
	uint64_t index;   /* L2: slot of its L1. Refcount block, bitmap: which */
};

/* ---- flaws ---- */

/* X(name, word): words are for inspect and for tests. Unless it says otherwise, an entry
 * flaw has the entry as `at`. "refcount" is the stored one. */
#define QCOW2_FLAWS(X)                                                                   \
	/* entries of L1 tables */                                                       \
	X(L1_RESERVED, "l1-reserved")                                                    \
	X(L1_UNALIGNED, "l1-unaligned")                                                  \
	X(L1_PAST_EOF, "l1-past-eof")                                                    \
	X(L1_COPIED_WRONG, "l1-copied-wrong")     /* set, refcount is not 1 */           \
	X(L1_COPIED_MISSING, "l1-copied-missing") /* clear, refcount is 1 */             \
	/* entries of L2 tables */                                                       \
	X(L2_RESERVED, "l2-reserved")                                                    \
	X(L2_UNALIGNED, "l2-unaligned")           /* holds data */                       \
	X(L2_ZERO_UNALIGNED, "l2-zero-unaligned") /* reads as zeros all the same */      \
	X(L2_PAST_EOF, "l2-past-eof")             /* by a cluster or more */             \
	X(L2_COPIED_WRONG, "l2-copied-wrong")                                            \
	X(L2_COPIED_MISSING, "l2-copied-missing") /* or a data file is used */           \
	X(L2_ZERO_V2, "l2-zero-v2")               /* the flag is of version 3 */         \
	X(L2_BEHIND_DISK, "l2-behind-disk") /* active; neither disk nor VM state */      \
	X(COMPRESSED_COPIED, "compressed-copied")                                        \
	X(COMPRESSED_PAST_EOF, "compressed-past-eof") /* begins there, or a cluster */   \
	X(COMPRESSED_CUT, "compressed-cut")           /* a sector or more is missing */  \
	X(COMPRESSED_DATA_FILE, "compressed-data-file")                                  \
	X(COMPRESSED_BAD, "compressed-bad")       /* does not inflate; --deep */         \
	X(COMPRESSED_BITMAP, "compressed-bitmap") /* of subclusters, not zero */         \
	X(BITMAP_BOTH, "subclusters-both")        /* allocated, and zeros */             \
	X(BITMAP_NOWHERE, "subclusters-nowhere")  /* allocated, but no cluster */        \
	X(BITMAP_BIT0, "subclusters-bit0")        /* bit 0 of the entry, reserved */     \
	X(DATA_FILE_OFFSET, "data-file-offset")   /* is not the guest's */               \
	/* metadata by range; owner[0] says which */                                     \
	X(TABLE_PAST_EOF, "table-past-eof")                                              \
	X(TABLE_UNALIGNED, "table-unaligned") /* a snapshot's L1, a bitmap's table */    \
	X(TABLE_TOO_LARGE, "table-too-large")                                            \
	X(SNAPSHOTS_DATA_FILE, "snapshots-data-file") /* they cannot be together */      \
	X(BME_RESERVED, "bitmap-entry-reserved")                                         \
	X(BME_UNALIGNED, "bitmap-entry-unaligned")                                       \
	X(BME_PAST_EOF, "bitmap-entry-past-eof")                                         \
	/* entries of the refcount table */                                              \
	X(RT_RESERVED, "rt-reserved")                                                    \
	X(RT_UNALIGNED, "rt-unaligned") /* refcounts of the block are not known */       \
	X(RT_PAST_EOF, "rt-past-eof")                                                    \
	/* refcounts; `at` is the refcount, len 0 where there is no block for it */      \
	X(REFCOUNT_ZERO, "refcount-zero") /* and in use */                               \
	X(REFCOUNT_LOW, "refcount-low")                                                  \
	X(REFCOUNT_HIGH, "refcount-high") /* and in use */                               \
	X(LEAK, "leak")                   /* not in use, refcount not 0 */               \
	X(REFCOUNT_PAST_EOF, "refcount-past-eof")                                        \
	/* clusters with several owners, which must not be: see owner[] */               \
	X(DATA_DATA, "data-data") /* two guest offsets */                                \
	X(DATA_METADATA, "data-metadata")                                                \
	X(L2_SHARED, "l2-shared") /* by two slots of L1 tables */                        \
	X(METADATA_METADATA, "metadata-metadata")

enum qcow2_flaw_kind {
#define X(name, word) QCOW2_FLAW_##name,
	QCOW2_FLAWS(X)
#undef X
};
enum {
	QCOW2_FLAW_KINDS = QCOW2_FLAW_METADATA_METADATA + 1,
	QCOW2_FLAWS_KEPT = 4096,      /* runs of one kind */
	QCOW2_FLAWS_KEPT_ALL = 16384, /* of all kinds, but */
	QCOW2_FLAWS_SURE = 256,       /* each kind keeps as many */
	QCOW2_OWNERS_KEPT = 8,        /* of one flaw */
};

const char *qcow2_flaw_word(enum qcow2_flaw_kind k);

/* A run: n entries that follow each other and point to clusters that follow each other, or
 * n clusters with the same refcount and count. */
struct qcow2_flaw {
	enum qcow2_flaw_kind kind;
	struct span at;   /* of the first */
	uint64_t n;       /* entries, or clusters */
	uint64_t entry;   /* the first entry's value, as it stands */
	uint64_t cluster; /* the first host cluster that it is about */
	/* Refcount of the first; of kinds where it matters. L2_PAST_EOF: not 0 when the first
	 * and the last have one: the file was cut. */
	uint64_t stored;
	uint64_t counted; /* references to the first */
	/* Who refers to the first cluster; of an entry flaw: whose entry it is (one). In the
	 * order of file offsets of tables. At most QCOW2_OWNERS_KEPT. */
	const struct qcow2_owner *owner;
	size_t nowners;
};

struct qcow2_flaws {
	uint64_t total;             /* entries or clusters, all of them */
	const struct qcow2_flaw *v; /* kept; by place */
	size_t n;
};

/* ---- what nobody refers to ---- */

#define QCOW2_ORPHANS(X)                                                                 \
	X(BLANK, "blank") /* zeros, or a hole */                                         \
	X(DATA, "data")                                                                  \
	X(L2, "l2-table") /* looks like one, see below */                                \
	X(L1, "l1-table") /* points at what looks like L2 tables */                      \
	X(SNAPSHOT_TABLE, "snapshot-table")                                              \
	X(REFCOUNT_BLOCK, "refcount-block")                                              \
	X(STALE_BITMAP, "stale-bitmap") /* of bitmaps without their autoclear bit */     \
	X(PLACED, "placed")             /* what pointed at it is known: qcow2_lost */    \
	X(UNSEEN, "unseen")             /* not looked at: over a bound of ours */

enum qcow2_orphan_kind {
#define X(name, word) QCOW2_ORPHAN_##name,
	QCOW2_ORPHANS(X)
#undef X
};
enum {
	QCOW2_ORPHAN_KINDS = QCOW2_ORPHAN_UNSEEN + 1,
	QCOW2_ORPHANS_KEPT = 4096, /* runs */
};

const char *qcow2_orphan_word(enum qcow2_orphan_kind k);

/* A run of leaked clusters of one kind and refcount; tables are alone in theirs. */
struct qcow2_orphan {
	enum qcow2_orphan_kind kind;
	uint64_t cluster, n;
	uint64_t stored; /* refcount */
	/* L2: entries by what they point at. L1: likewise, of L2 tables. */
	struct {
		uint32_t used;    /* not zero */
		uint32_t leaked;  /* a cluster that is leaked, too */
		uint32_t taken;   /* a cluster that something else refers to */
		uint32_t lost;    /* a cluster without refcount, or out of the file */
		uint32_t flagged; /* COPIED as the refcount of what it points at says */
		uint32_t first, last; /* entries that are used */
	} points;
};

/* The first word of an entry of an L2 table, for all that can be seen from itself. */
bool qcow2_may_be_l2_entry(const struct qcow2 *q, uint64_t entry);

/* n bytes that may be entries of an L2 table: all could be one, and one is a pointer. */
bool qcow2_looks_like_l2(const struct qcow2 *q, const uint8_t *p, size_t n);

/* Slots of the active L1 table, below the disk's end, without an L2 table. */
struct qcow2_slots {
	uint64_t first, n;
};
enum { QCOW2_SLOTS_KEPT = 1024 };

/* ---- entries that lead nowhere, and what they pointed at ---- */

/* How that is known. */
enum qcow2_lost_why {
	/* The entries before and behind point at the clusters before and behind. */
	QCOW2_LOST_SEQUENCE,
	QCOW2_LOST_BIT, /* the pointer has one bit that is other */
	/* A snapshot has it in the same place, and its refcount is for this one, too. */
	QCOW2_LOST_SNAPSHOT,
	/* There are as many clusters without a reference as such entries, and the entry before,
	 * or the one behind, points at the cluster before it, or behind. */
	QCOW2_LOST_BEFORE,
	QCOW2_LOST_BEHIND,
	QCOW2_LOST_ONLY, /* it is the only one of both */
};

/* n L2 entries, and as many host clusters, that follow each other. */
struct qcow2_lost {
	struct span at;    /* the first entry */
	uint64_t n, entry; /* its value, as it stands */
	uint64_t guest;    /* what the first one maps */
	uint32_t snapshot; /* whose they are first; QCOW2_ACTIVE */
	uint64_t cluster;
	uint64_t flags; /* of the entries, beside the offset */
	enum qcow2_lost_why why;
	bool empty; /* they are zero, and read as such: of several, whole sectors of a table */
};
enum { QCOW2_OFFERED_KEPT = 64 };

/* ---- where the disk's data is ---- */

/* Bytes of the guest's disk that follow each other in the file as well: entries of one active
 * L2 table, as many as a big one has room for, with nothing wrong about them. */
struct qcow2_extent {
	uint64_t guest, len, host;
};
enum {
	QCOW2_EXTENT_MIN = 512,       /* clusters; shorter ones are not kept, */
	QCOW2_EXTENTS_KEPT = 1 << 14, /* nor more than these */
};

/* ---- all of it ---- */

struct qcow2_scan {
	const struct qcow2 *qcow2;
	/* Something was not looked at for a bound of ours: what. NULL: all was seen. */
	const char *limit;
	/* All references of the tables that could be read were counted. False: neither
	 * refcounts nor leaks nor COPIED were judged, since every count may be too low. */
	bool complete;
	/* Besides, every table that the header and its snapshots and bitmaps name could be
	 * read, and no pointer to a table is broken. False: what is leaked, or has a higher
	 * refcount than it should, may belong to what could not be read. */
	bool whole;
	struct qcow2_flaws flaws[QCOW2_FLAW_KINDS];
	struct qcow2_refs refs; /* counts of all host clusters, when complete */
	/* Behind the last cluster that is in use or has a refcount: QEMU's "image end
	 * offset". In clusters. */
	uint64_t end;

	/* Active L2 entries of the guest's disk, in guest clusters. */
	uint64_t nnormal, nzero, ncompressed;
	/* Stretches of the first kind that follow each other in the file as well; each ends
	 * with its L2 table. */
	uint64_t nstretches;
	const struct qcow2_extent *extent; /* long ones, by guest offset */
	size_t nextents;
	/* Extended L2: active entries with a bitmap, and such whose bitmap is what a plain
	 * entry looks like, COPIED and with a cluster of the file. */
	uint64_t nbitmaps, npointers;
	/* Plain L2: active entries that are not zero, by the parity of their index, and such
	 * that are a bitmap rather than a pointer. */
	uint64_t nslots[2], nmisfits[2];
	uint64_t nvm_state; /* behind the disk, where VM state goes while it is saved */

	const struct qcow2_orphan *orphan; /* by cluster */
	size_t norphans;
	uint64_t orphans[QCOW2_ORPHAN_KINDS]; /* clusters of each kind, all of them */
	/* Entries of which it is certain what they pointed at, by place; and such of which it
	 * is likely: clusters are orphans of the kind PLACED, and of others. */
	const struct qcow2_lost *lost, *offered;
	size_t nlost, noffered;
	/* Where an L2 table that is an orphan may belong; only when there are orphans. */
	const struct qcow2_slots *empty;
	size_t nempty;
};

/* The tables are those of an image without extended L2 entries. */
static inline bool qcow2_bitmaps_are_pointers(const struct qcow2_scan *s)
{
	return s->npointers >= 4 && s->npointers >= s->nbitmaps - s->nbitmaps / 10;
}

/* The tables are those of an image with extended L2 entries. */
static inline bool qcow2_pointers_are_bitmaps(const struct qcow2_scan *s)
{
	return s->nmisfits[1] >= 4 && s->nmisfits[1] == s->nslots[1] &&
	       s->nslots[0] >= 4 && s->nmisfits[0] == 0;
}

/* Reads all tables that q names. Needs q->geometry. counts: an arena that nobody else uses,
 * for what grows with the clusters in use. How large that may be follows the bytes that the
 * file takes up, not the size that it claims; what a small one takes is taken from a's
 * budget. -1: could not do the work. */
int qcow2_scan(const struct qcow2_scan **out, const struct qcow2 *q, struct arena *a,
	       struct arena *counts, struct err *e) __attribute__((warn_unused_result));

/* An L2 entry's place is among s->lost. */
bool qcow2_is_lost(const struct qcow2_scan *s, uint64_t at);

/* The refcount of a cluster as it is stored; false when it cannot be known. */
int qcow2_stored(const struct qcow2 *q, uint64_t cluster, uint64_t *stored, bool *known,
		 struct err *e) __attribute__((warn_unused_result));

#endif
