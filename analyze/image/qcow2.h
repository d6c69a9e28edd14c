/* QCOW2 images: the header and what it names. docs/interop/qcow2.txt of QEMU.
 *
 * Everything is described as it stands; damage is a state, never an error. What a broken
 * field makes unreadable is absent, and the state beside it says why. L2 tables and
 * refcount blocks are not read here: qcow2_scan.h does that.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_H
#define ANALYZE_IMAGE_QCOW2_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct place;
struct qcow2_scan;
struct unit;

enum {
	/* the header, all big-endian; version 2 ends at 72 */
	QCOW2_OFF_MAGIC = 0, /* "QFI" FB */
	QCOW2_OFF_VERSION = 4,
	QCOW2_OFF_BACKING_OFFSET = 8,
	QCOW2_OFF_BACKING_LENGTH = 16,
	QCOW2_OFF_CLUSTER_BITS = 20,
	QCOW2_OFF_SIZE = 24,
	QCOW2_OFF_CRYPT_METHOD = 32,
	QCOW2_OFF_L1_SIZE = 36,
	QCOW2_OFF_L1_OFFSET = 40,
	QCOW2_OFF_RT_OFFSET = 48,
	QCOW2_OFF_RT_CLUSTERS = 56,
	QCOW2_OFF_SNAPSHOTS = 60,
	QCOW2_OFF_SNAPSHOTS_OFFSET = 64,
	QCOW2_HEADER_V2 = 72,
	QCOW2_OFF_INCOMPATIBLE = 72,
	QCOW2_OFF_COMPATIBLE = 80,
	QCOW2_OFF_AUTOCLEAR = 88,
	QCOW2_OFF_REFCOUNT_ORDER = 96,
	QCOW2_OFF_HEADER_LENGTH = 100,
	QCOW2_HEADER_V3 = 104, /* what a version 3 header has at least */
	QCOW2_OFF_COMPRESSION = 104,
	QCOW2_OFF_PADDING = 105,
	QCOW2_HEADER_FULL = 112, /* all that QEMU 8 writes */

	QCOW2_CLUSTER_BITS_MIN = 9,
	QCOW2_CLUSTER_BITS_MAX = 21,
	QCOW2_REFCOUNT_ORDER_MAX = 6,
	QCOW2_NAME_MAX = 1023, /* of a backing file, and of a bitmap */

	/* What QEMU accepts at most. */
	QCOW2_L1_MAX = 32 << 20, /* bytes */
	QCOW2_RT_MAX = 8 << 20,  /* bytes */
	QCOW2_SNAPSHOTS_MAX = 65536,
	QCOW2_SNAPSHOT_EXTRA_MAX = 1024,
	QCOW2_SNAPSHOT_TABLE_MAX = 64 << 20, /* bytes */
	QCOW2_BITMAPS_MAX = 65535,

	/* What we read at most: real ones have a few KiB. */
	QCOW2_LIST_MAX = 4 << 20, /* bytes of a snapshot table or bitmap directory */
	QCOW2_EXTS_MAX = 1024,
	QCOW2_FEATURE_NAMES_MAX = 192, /* three sets of 64 bits */
};

/* incompatible_features */
#define QCOW2_INCOMPAT_DIRTY       UINT64_C(1)
#define QCOW2_INCOMPAT_CORRUPT     UINT64_C(2)
#define QCOW2_INCOMPAT_DATA_FILE   UINT64_C(4)
#define QCOW2_INCOMPAT_COMPRESSION UINT64_C(8)
#define QCOW2_INCOMPAT_EXTL2       UINT64_C(16)
#define QCOW2_INCOMPAT_KNOWN       UINT64_C(31)
/* compatible_features */
#define QCOW2_COMPAT_LAZY_REFCOUNTS UINT64_C(1)
#define QCOW2_COMPAT_KNOWN          UINT64_C(1)
/* autoclear_features */
#define QCOW2_AUTOCLEAR_BITMAPS  UINT64_C(1)
#define QCOW2_AUTOCLEAR_DATA_RAW UINT64_C(2)
#define QCOW2_AUTOCLEAR_KNOWN    UINT64_C(3)

/* Entries of L1 and L2 tables, of the refcount table and of bitmap tables. */
#define QCOW2_OFFSET_MASK  UINT64_C(0x00fffffffffffe00)
#define QCOW2_COPIED       (UINT64_C(1) << 63)
#define QCOW2_COMPRESSED   (UINT64_C(1) << 62)
#define QCOW2_ZERO         UINT64_C(1)
#define QCOW2_L1_RESERVED  UINT64_C(0x7f000000000001ff)
#define QCOW2_L2_RESERVED  UINT64_C(0x3f000000000001fe) /* not of compressed ones */
#define QCOW2_RT_MASK      UINT64_C(0xfffffffffffffe00)
#define QCOW2_RT_RESERVED  UINT64_C(0x00000000000001ff)
#define QCOW2_BME_RESERVED UINT64_C(0xff000000000001fe)

/* crypt_method */
enum { QCOW2_CRYPT_NONE, QCOW2_CRYPT_AES, QCOW2_CRYPT_LUKS };

/* ---- tables of 64-bit entries ---- */

enum qcow2_table_state {
	QCOW2_TABLE_NONE,      /* no entries, and that is what is said */
	QCOW2_TABLE_WHOLE,     /* all of it lies within the file */
	QCOW2_TABLE_CUT,       /* the file ends within it: raw has what is there */
	QCOW2_TABLE_ZERO,      /* has entries, but offset 0, which is the header's */
	QCOW2_TABLE_UNALIGNED, /* its offset is no multiple of the cluster size */
	QCOW2_TABLE_OUTSIDE,   /* it begins at or behind the end of the file */
	QCOW2_TABLE_TOO_LARGE, /* more than the format's readers accept: raw has what the
				  disk or file needs of it, if that is acceptable */
	QCOW2_TABLE_NO_ROOM,   /* over our own bound of memory: not read */
};

struct qcow2_table {
	enum qcow2_table_state state;
	/* As it is said to be, wherever that is; the length is 8 bytes for each entry, and
	 * cut at the end of the 64-bit range. */
	struct span at;
	uint64_t n; /* entries that it is said to have */
	/* What was read of it: raw.n / 8 entries, big-endian. Empty for tables of snapshots
	 * and bitmaps, of which there may be many: qcow2_table_read(). */
	struct view raw;
};

/* The i-th entry; i < raw.n / 8. */
static inline uint64_t qcow2_entry(struct view raw, size_t i)
{
	return view_be64(raw, i * 8);
}

/* ---- header extensions ---- */

#define QCOW2_EXT_END            UINT32_C(0)
#define QCOW2_EXT_BACKING_FORMAT UINT32_C(0xe2792aca)
#define QCOW2_EXT_FEATURE_NAMES  UINT32_C(0x6803f857)
#define QCOW2_EXT_BITMAPS        UINT32_C(0x23852875)
#define QCOW2_EXT_CRYPTO         UINT32_C(0x0537be77)
#define QCOW2_EXT_DATA_FILE      UINT32_C(0x44415441)

struct qcow2_ext {
	struct span at;         /* type, length, data, and padding to a multiple of 8 */
	struct field type, len; /* 4 bytes each */
	struct span data_at;    /* len bytes */
	struct view data;
	const char *name; /* "backing-format", "bitmaps", ...; NULL: unknown */
	bool again;       /* one with this type came before: QEMU believes the last */
};

enum qcow2_ext_stop {
	QCOW2_EXT_STOP_NONE,     /* not looked for: header_length leaves no room */
	QCOW2_EXT_STOP_MARK,     /* type 0: whatever its length, nothing follows */
	QCOW2_EXT_STOP_FULL,     /* the area ends, there is no mark */
	QCOW2_EXT_STOP_OVERRUN,  /* one reaches out of the area; QEMU refuses the image */
	QCOW2_EXT_STOP_TOO_MANY, /* after QCOW2_EXTS_MAX */
};

struct qcow2_feature_name {
	struct span at; /* 48 bytes */
	uint8_t kind;   /* 0 incompatible, 1 compatible, 2 autoclear; others: unknown */
	uint8_t bit;
	struct str name; /* up to its NUL */
};

/* ---- names of other files ---- */

enum qcow2_name_state {
	QCOW2_NAME_NONE, /* there is none */
	QCOW2_NAME_READ,
	QCOW2_NAME_EMPTY,    /* a place, but a length of 0: QEMU takes that for none */
	QCOW2_NAME_OUTSIDE,  /* not within the first cluster, or not within the file */
	QCOW2_NAME_TOO_LONG, /* more than QCOW2_NAME_MAX bytes */
};

struct qcow2_name {
	enum qcow2_name_state state;
	struct str text; /* all of its bytes; a NUL among them ends it for QEMU */
	struct span at;
};

/* ---- snapshots and bitmaps ---- */

enum qcow2_list_state {
	QCOW2_LIST_NONE,      /* none, and that is what is said */
	QCOW2_LIST_WHOLE,     /* all of them were read */
	QCOW2_LIST_CUT,       /* the file, or the directory, ends before the last one */
	QCOW2_LIST_ZERO,      /* some, but at offset 0 */
	QCOW2_LIST_UNALIGNED, /* the offset is no multiple of the cluster size */
	QCOW2_LIST_OUTSIDE,   /* it begins at or behind the end of the file */
	QCOW2_LIST_TOO_MANY,  /* more than the format allows: not read */
	QCOW2_LIST_NO_ROOM, /* over QCOW2_LIST_MAX or our memory: the rest is not read */
};

enum {
	/* a snapshot's entry */
	QCOW2_SNAP_L1_OFFSET = 0,
	QCOW2_SNAP_L1_SIZE = 8,
	QCOW2_SNAP_ID_LENGTH = 12,
	QCOW2_SNAP_NAME_LENGTH = 14,
	QCOW2_SNAP_DATE_SEC = 16,
	QCOW2_SNAP_DATE_NSEC = 20,
	QCOW2_SNAP_CLOCK_NSEC = 24,
	QCOW2_SNAP_VM_STATE_SIZE = 32,
	QCOW2_SNAP_EXTRA_SIZE = 36,
	QCOW2_SNAP_SIZE = 40, /* then extra data, id, name */
	QCOW2_SNAP_VM_STATE_LARGE = 40,
	QCOW2_SNAP_DISK_SIZE = 48,
	QCOW2_SNAP_ICOUNT = 56,

	/* a bitmap's directory entry */
	QCOW2_BITMAP_TABLE_OFFSET = 0,
	QCOW2_BITMAP_TABLE_SIZE = 8,
	QCOW2_BITMAP_FLAGS = 12,
	QCOW2_BITMAP_TYPE = 16,
	QCOW2_BITMAP_GRANULARITY = 17,
	QCOW2_BITMAP_NAME_LENGTH = 18,
	QCOW2_BITMAP_EXTRA_SIZE = 20,
	QCOW2_BITMAP_SIZE = 24, /* then extra data, name */
};

struct qcow2_snapshot {
	struct span at; /* with its padding to a multiple of 8 */
	struct field l1_offset, l1_size, id_length, name_length, date_sec, date_nsec,
		clock_nsec, vm_state_size, extra_size;
	/* of the extra data; at.len 0: it is too short for them */
	struct field vm_state_large, disk_size, icount;
	struct str id, name;
	struct span id_at, name_at;
	struct qcow2_table l1; /* raw is empty */
};

/* The size of its VM state, wherever it stands. */
uint64_t qcow2_vm_state(const struct qcow2_snapshot *s);

struct qcow2_snapshots {
	enum qcow2_list_state state;
	struct span at; /* those that were read, with their padding */
	const struct qcow2_snapshot *v;
	size_t n;
};

enum { QCOW2_BITMAP_IN_USE = 1, QCOW2_BITMAP_AUTO = 2, QCOW2_BITMAP_EXTRA_COMPAT = 4 };

struct qcow2_bitmap {
	struct span at; /* with its padding to a multiple of 8 */
	struct field table_offset, table_size, flags, type, granularity_bits, name_length,
		extra_size;
	struct str name;
	struct span name_at;
	struct qcow2_table table; /* raw is empty */
};

struct qcow2_bitmaps {
	enum qcow2_list_state state;
	const struct qcow2_ext *ext; /* NULL: none; all else is zero */
	/* at.len 0: the extension is too short for it (24 bytes are right) */
	struct field count, reserved, directory_size, directory_offset;
	struct span at; /* the directory, as the extension says */
	const struct qcow2_bitmap *v;
	size_t n;
};

struct qcow2_crypto {
	const struct qcow2_ext *ext; /* NULL: none */
	/* Where the LUKS header is; at.len 0: the extension is too short (16 is right) */
	struct field offset, length;
	bool inside;      /* it lies within the file */
	bool magic;       /* "LUKS" BA BE stands there */
	uint64_t payload; /* bytes before the data, as it says of itself; 0: not known */
};

/* ---- the image ---- */

struct qcow2 {
	const struct unit *unit;  /* NULL: it is a backing file */
	const struct source *src; /* the host file */
	uint64_t file_size;
	struct view head; /* the first cluster, or what there is of it */
	/* Something that is not read because of a bound of ours: what; NULL: nothing. */
	const char *limit;

	/* The header as it stands; at.len 0: the file, or the header by its version and
	 * length, ends before it, and v is what the format means then. */
	struct field version, backing_offset, backing_length, cluster_bits, size,
		crypt_method, l1_size, l1_offset, rt_offset, rt_clusters, nb_snapshots,
		snapshots_offset, incompatible, compatible, autoclear, refcount_order,
		header_length, compression;
	struct span padding_at; /* 105 to 111, when the header has them */
	bool padding_zero;

	/* Version 2 or 3, and cluster_bits and refcount_order in range. False: nothing
	 * below is read. Unknown incompatible features do not make it false: then what is
	 * below may not mean what it seems to. */
	bool geometry;
	bool v3;
	bool extended_l2, external_data;
	unsigned refcount_bits;     /* 1 to 64 */
	uint64_t cluster_size;      /* bytes */
	uint64_t l2_entry_size;     /* 8, or 16 with extended L2 */
	uint64_t l2_entries;        /* of one L2 table */
	uint64_t l2_bytes;          /* of the guest's disk, that one L2 table covers */
	uint64_t l1_needed;         /* entries for the disk's size */
	uint64_t refblock_entries;  /* of one refcount block */
	uint64_t guest_clusters;    /* of the disk, the last one perhaps not whole */
	uint64_t host_clusters;     /* of the file, the last one perhaps not whole */
	uint64_t compressed_offset; /* mask: the host offset in a compressed entry */
	unsigned compressed_shift;  /* its additional sectors: (entry & ~flags) >> this */

	/* Where extensions stand: from the header's length to the backing file's name or to
	 * the end of the first cluster. */
	struct span ext_area;
	const struct qcow2_ext *ext;
	size_t next;
	enum qcow2_ext_stop ext_stop;
	struct span ext_stop_at; /* the mark, or the extension that overruns */
	/* The first bytes of the first cluster that are not zero and belong to nothing: not
	 * to header, extensions and backing file's name. len 0: there are none. */
	struct span slack;

	struct qcow2_name backing;                  /* at.len 0 without one */
	const struct qcow2_ext *backing_format_ext; /* NULL: none */
	struct str backing_format;
	struct qcow2_name data_file;
	const struct qcow2_ext *data_file_ext; /* NULL: none */
	const struct qcow2_ext *feature_names_ext;
	const struct qcow2_feature_name *feature_name;
	size_t nfeature_names;
	struct qcow2_crypto crypto;

	struct qcow2_table l1; /* active */
	struct qcow2_table rt; /* refcount table */
	struct qcow2_snapshots snapshots;
	struct qcow2_bitmaps bitmaps;
	/* What L2 tables and refcounts say: qcow2_scan.h. NULL without a geometry. */
	const struct qcow2_scan *scan;
};

/* The file ends within a table of one cluster, such as an L2 table, at off. */
static inline bool qcow2_is_cut(const struct qcow2 *q, uint64_t off)
{
	return off && off % q->cluster_size == 0 && off < q->file_size &&
	       q->file_size - off < q->cluster_size;
}

/* What the header says of encryption and of a data file is also what its extensions say.
 * Else the key, or all of the guest's data, may be in clusters that nothing refers to. */
static inline bool qcow2_header_agrees(const struct qcow2 *q)
{
	bool luks = q->crypt_method.v == QCOW2_CRYPT_LUKS;

	return (luks ? q->crypto.magic && q->crypto.length.v >= q->crypto.payload
		     : !q->crypto.ext) &&
	       q->external_data == (q->data_file_ext != NULL);
}

/* Only the header, its extensions and the names in it, of an image that is not a unit's: of
 * a backing file. head: its first bytes. Its L1 table is placed, and not read; snapshots and
 * bitmaps are as if there were none. */
int qcow2_read_names(struct qcow2 **out, const struct source *src, struct view head,
		     struct arena *a, struct err *e) __attribute__((warn_unused_result));

/* A table of n entries at an offset, which stand in fields or wherever: nothing is read.
 * max: bytes that the format's readers accept. */
struct qcow2_table qcow2_table_at(const struct qcow2 *q, uint64_t off, uint64_t n,
				  uint64_t max);

/* The entries of t that lie within the file (at most `most` bytes) into a. ERR_LIMIT past
 * a's budget. Empty for a state that has none. */
int qcow2_table_read(const struct qcow2 *q, const struct qcow2_table *t, uint64_t most,
		     struct arena *a, struct view *out, struct err *e)
	__attribute__((warn_unused_result));

/* n snapshots at an offset, wherever that comes from. */
int qcow2_snapshots_read(struct qcow2_snapshots *out, const struct qcow2 *q, uint64_t off,
			 uint64_t n, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* A name for a feature bit: kind as in struct qcow2_feature_name. Our own, else the image's
 * own table's, else NULL. */
const char *qcow2_feature(const struct qcow2 *q, unsigned kind, unsigned bit,
			  struct arena *a);

/* What stands at an offset of the host file; false when it belongs to nothing that was
 * read. Strings are a's. */
bool qcow2_place(const struct qcow2 *q, struct span at, struct arena *a,
		 struct place *out);

#endif
