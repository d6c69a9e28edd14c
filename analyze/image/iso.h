/* ISO 9660 images: volume descriptors, directories, what they boot, and what makes disks of
 * them. ECMA-119, 4th edition; SUSP and RRIP 1.12; Joliet; El Torito 1.0.
 *
 * What is wrong is a fact like any other: fields as they stand, and lists of what does not fit
 * together. Reading is bounded, however large the image is and whatever it says.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_ISO_H
#define ANALYZE_IMAGE_ISO_H

#include "analyze/image/boot_code.h"
#include "analyze/image/loaders.h"
#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct image;
struct place;

enum {
	ISO_SECTOR = 2048,
	ISO_FIRST =
		16, /* the sector of the first descriptor; the system area is before it */
	ISO_DESCRIPTORS_MAX = 32,
	ISO_VOLUMES_MAX = 4,
	ISO_ROOT_MAX = 64,

	/* a volume descriptor */
	ISO_VD_TYPE = 0,
	ISO_VD_ID = 1, /* "CD001" */
	ISO_VD_VERSION = 6,
	ISO_VD_BOOT_SYSTEM = 7, /* of a boot record: "EL TORITO SPECIFICATION" */
	ISO_VD_CATALOG = 71,    /* LE32 */
	ISO_VD_NAME = 40,       /* of 32 bytes */
	ISO_VD_NAME_SIZE = 32,
	ISO_VD_SPACE = 80,
	ISO_VD_ESCAPES = 88,
	ISO_VD_SET_SIZE = 120,
	ISO_VD_SEQUENCE = 124,
	ISO_VD_BLOCK_SIZE = 128,
	ISO_VD_PATHS_SIZE = 132,
	ISO_VD_PATHS_L = 140, /* LE32; the optional one is behind it */
	ISO_VD_PATHS_M = 148, /* BE32 */
	ISO_VD_ROOT = 156,    /* a directory record of 34 bytes */
	ISO_VD_CREATED = 813, /* "2026112115300000" and the zone */
	ISO_VD_APP_USE = 883,
	ISO_VD_APP_USE_SIZE = 512,

	/* a directory record */
	ISO_DR_EXTENT = 2,
	ISO_DR_SIZE = 10,
	ISO_DR_FLAGS = 25,
	ISO_DR_NAME_LEN = 32,
	ISO_DR_NAME = 33,
	ISO_DR_MIN = 34,

	ISO_FLAWS_MAX = 24,
	ISO_BOOT_MAX = 32,
	/* What is read of an image, all in all; with --deep, the sum aside; and what of that
	 * is kept for other things than directories. */
	ISO_READS = 4096,
	ISO_BYTES = 7 << 20,
	ISO_READS_DEEP = 1 << 18,
	ISO_BYTES_DEEP = 1 << 29,
	ISO_READS_KEPT = 1024,
	ISO_BYTES_KEPT = 5 << 18,
};

/* Which of two readings of a number something else confirms. */
enum iso_side {
	ISO_NEITHER, /* they agree, or nobody can tell */
	ISO_LITTLE,
	ISO_BIG,
};

/* A number in both byte orders (ECMA-119, 7.2.3 and 7.3.3): little-endian first, as nearly
 * all read it. */
struct iso_pair {
	struct field le, be;
	enum iso_side proven;
};

static inline bool iso_pair_agrees(const struct iso_pair *p)
{
	return p->le.v == p->be.v;
}

/* What is to be believed. */
static inline uint64_t iso_value(const struct iso_pair *p)
{
	return p->proven == ISO_BIG ? p->be.v : p->le.v;
}

static inline struct span iso_pair_at(const struct iso_pair *p)
{
	return (struct span){ p->le.at.src, p->le.at.off, 2 * p->le.at.len };
}

/* ---- directories ---- */

enum iso_flaw_kind {
	ISO_FLAW_PAIR,    /* pair does not agree */
	ISO_FLAW_RECORD,  /* its lengths do not fit into the sector, or into each other */
	ISO_FLAW_OUTSIDE, /* what it leads to is behind the image and its volume */
	ISO_FLAW_SELF,    /* a directory does not begin with itself */
	ISO_FLAW_PARENT,  /* ".." is not where it was come from */
	ISO_FLAW_LOOP,    /* it leads to a directory that another one leads to */
};

struct iso_flaw {
	enum iso_flaw_kind kind;
	struct span at;   /* the record, or the field */
	const char *path; /* of what the record is about */
	struct iso_pair pair;
	uint64_t expected; /* of the kinds that know it, a block */
	bool doubt; /* SELF: there is a directory as well where it says that it is */
};

/* Blocks that a file takes. */
struct iso_extent {
	uint32_t lba, blocks;
};

struct iso_dir {
	uint32_t lba, size;
	uint32_t parent; /* index; the root is its own */
	struct span at;  /* the record that leads to it */
	struct str name; /* as it stands there */
};

/* A path table: all directories of a volume, by number. */
struct iso_paths {
	bool big;         /* endian: type M */
	struct field lba; /* of the descriptor */
	bool outside;     /* it is not within the image */
	struct span at;   /* its bytes; len 0: not read */
	struct view raw;
	/* The tree was read whole, and this is one entry for each of its directories. */
	bool right;
	struct span wrong_at; /* the first entry that is not; len 0: there is none */
	/* Where there is one that is right, when this one is not: a block; 0: nowhere near. */
	uint32_t found;
};

enum iso_volume_kind { ISO_PRIMARY, ISO_JOLIET, ISO_ENHANCED };

struct iso_volume {
	enum iso_volume_kind kind;
	const struct image *image;
	struct span at; /* the descriptor, 2048 bytes */
	struct view raw;
	struct str name; /* UTF-8 */
	struct iso_pair space, set_size, sequence, block_size, paths_size;
	struct iso_pair root_extent, root_size;
	struct iso_paths little, big;

	const struct iso_dir *dir; /* those that were found, the root first */
	size_t ndirs;
	bool complete;   /* the whole tree was read, and */
	const char *why; /* if not, why; of a tree that is another volume's: NULL */
	bool bounded; /* that is a bound of ours; of its directories so many were read */
	size_t nread;
	const struct iso_flaw *flaw;
	size_t nflaws, nflaws_all; /* kept, and found */
	uint64_t end;              /* of the last extent that lies in the image, bytes, */
	uint64_t reach;            /* and of the last one at all */
	size_t nfiles;
	/* What is in the root, by the names that Linux gives it (but for their case, where
	 * only the plain ones are there). Not more than ISO_ROOT_MAX. */
	const struct str *root;
	size_t nroot;
	bool root_read; /* and that is all, unless it is so many */
};

/* ---- booting ---- */

enum {
	ISO_CATALOG_ENTRY = 32,
	ISO_CATALOG_SECTORS = 4, /* that are read */

	ISO_VAL_PLATFORM = 1,
	ISO_VAL_RESERVED = 2,
	ISO_VAL_SUM = 28,
	ISO_VAL_KEY = 30, /* 55 AA */

	ISO_ENT_MEDIA = 1,
	ISO_ENT_UNUSED = 5,
	ISO_ENT_COUNT = 6, /* le16, of 512 bytes */
	ISO_ENT_LBA = 8,   /* le32 */

	ISO_PLATFORM_X86 = 0,
	ISO_PLATFORM_PPC = 1,
	ISO_PLATFORM_MAC = 2,
	ISO_PLATFORM_EFI = 0xef,

	ISO_INFO_OFF = 8, /* of the table in a boot image: four le32 */
	ISO_INFO_SUMMED = 64,
	ISO_INFO_FILE_MAX = 2 << 20, /* a larger one is not summed up */
};

/* What isolinux and GRUB find at byte 8 of themselves: mkisofs(8), -boot-info-table. */
struct iso_boot_info {
	bool present;
	bool wanted; /* it is not there, and the program does not start without it */
	struct field descriptor, file, length, sum;
	bool descriptor_ok; /* there is a primary descriptor where it says */
	bool summed;        /* sum_actual is known */
	uint32_t sum_actual;
};

/* What a boot image is by its content. */
enum iso_content { ISO_CONTENT_UNKNOWN, ISO_CONTENT_BIOS, ISO_CONTENT_EFI };

struct iso_boot_entry {
	struct span at;
	bool initial; /* of the catalog, not of a section */
	struct field platform, indicator, media, count, lba;
	bool bootable; /* the indicator is 88 */
	bool outside;  /* nothing of it is in the image */
	/* The file that it is, as the primary volume has it; NULL: none. */
	const char *path;
	struct span record;
	uint64_t file_size;
	/* It begins within this file, and not with it; NULL: so it is not. */
	const char *inside;
	uint64_t inside_lba; /* of which the first block is this */
	uint64_t
		len; /* bytes, as UEFI sees it: by its count, or to the end of the image */
	struct iso_boot_info info;
	enum boot_code code; /* of a BIOS' own */
	/* Of one for UEFI. */
	const struct efi_volume *efi;
	uint64_t fat_size; /* bytes, by its own parameters; 0: no FAT */
	bool hfs;          /* no FAT but HFS or HFS+, for Apple's firmware */
	/* Of the first one, when the catalog's checksum is wrong. */
	enum iso_content content;
	/* Of one that is not where it should be: the block where something else shows that it
	 * is, and what that is; 0: nothing does. */
	uint32_t meant;
	const char *meant_by;
};

enum iso_catalog_state {
	ISO_CATALOG_NONE,
	ISO_CATALOG_OUTSIDE,
	ISO_CATALOG_FOREIGN, /* what is there is no validation entry */
	ISO_CATALOG_READ,
};

struct iso_catalog {
	enum iso_catalog_state state;
	struct span record_at; /* the boot record */
	struct field lba;      /* in it */
	struct span at;
	struct field header, platform, sum, key;
	uint16_t sum_wanted; /* what it must be with the right header and key */
	const struct iso_boot_entry *entry;
	size_t nentries;
	/* A section that promises entries that are not there, or a last one that is not marked
	 * as such; len 0: there is none. What its header's first byte and its number of
	 * entries must be for it to fit to what follows; both 0: nobody knows. */
	struct span torn_at;
	uint8_t torn_mark;
	uint16_t torn_count;
	uint32_t found; /* a block that holds a catalog, if this is none; 0: not found */
};

/* ---- as a disk ---- */

enum { ISO_ESP_MAX = 8 };

/* A partition for UEFI, of the MBR or the GPT. */
struct iso_esp {
	struct span at; /* the field that says where it begins */
	bool gpt;
	uint64_t lba;             /* of 512 bytes */
	bool in_catalog;          /* the catalog has an image that begins there */
	enum answer_state starts; /* if not: does UEFI find something to start in it? */
};

/* What begins the disk that an ISO can be as well: its first 16 sectors, and the end. */
struct iso_disk {
	const struct image *image; /* of the same bytes, with its mbr and its gpt */
	enum boot_code code;
	struct span code_at;
	/* isolinux and GRUB: where the rest is, in sectors of 512 bytes; at.len 0: not them */
	struct field core;
	bool core_same; /* a copy of what it should load is there */
	struct iso_esp esp[ISO_ESP_MAX];
	size_t nesp;
	bool apm; /* Apple's partition map */
	struct span apm_at;
	uint64_t end; /* the last byte that one of the tables claims */
};

/* ---- the sum in it ---- */

enum { ISO_FRAGMENTS_MAX = 60 };

/* What implantisomd5 leaves in the application's area of the primary descriptor. */
struct iso_md5 {
	struct span at; /* the area */
	uint8_t sum[16];
	uint64_t end; /* bytes that it is of, from the image's first on */
	uint64_t skip;
	unsigned nfragments;
	struct str fragments; /* digits, the same number for each */
	bool readable;        /* all of that can be told */
	/* Asked for, and all was read (--deep). */
	bool checked;
	const char *why; /* it was asked for, and is not known: why */
	bool stopped;    /* by who waited for it, after so many bytes */
	uint64_t done;
	uint8_t actual[16];
	/* Of what it is wrong for: the first stretch that is not as it was, bytes; len 0:
	 * without fragments nobody knows. */
	struct span changed;
};

static inline bool iso_md5_right(const struct iso_md5 *m)
{
	return m->checked && memcmp(m->sum, m->actual, sizeof(m->sum)) == 0;
}

struct iso {
	const struct image *image;
	struct iso_volume volume[ISO_VOLUMES_MAX]; /* a primary one comes first */
	size_t nvolumes;
	const struct iso_volume *primary; /* NULL: none */
	struct span
		primary_lost; /* a sector that is all of one but for its first 7 bytes */
	const struct iso_volume *joliet;
	struct span terminator; /* len 0: there is none */
	struct span
		unended;   /* the first sector behind the descriptors, if there is none */
	bool blank_behind; /* that one is zeros */
	size_t ndescriptors;
	uint64_t volume_end; /* bytes that the primary volume takes */
	/* Of all files, by where they begin. */
	const struct iso_extent *extent;
	size_t nextents;
	bool extents_all; /* there are no others */

	/* SUSP and RRIP */
	bool rock_ridge;
	struct span susp; /* the first six bytes of SP; len 0: no SP */
	bool susp_ok;

	bool udf; /* an NSR descriptor */
	struct span udf_at;
	bool udf_anchor;

	struct iso_catalog catalog;
	struct iso_disk disk;
	struct iso_md5 md5; /* at.len 0: none */
};

/* Does a disk begin with a primary descriptor that is whole? head: its first PROBE_HEAD bytes. */
bool iso_begins(struct view head);

/* The disk has been given partitions of its own since: what is left of an ISO on it counts no more.
 * Reads a few sectors of s. */
bool iso_is_left_over(struct view head, const struct source *s);

/* Reads img's src; img is there already, its size and head too. Only I/O errors are errors. */
int iso_image_read(const struct iso **out, struct image *img, struct arena *a,
		   struct err *e) __attribute__((warn_unused_result));

/* Does anything of the ISO 9660 volumes stand there, or may it? but: a path table that does not
 * count; NULL: they all do. */
bool iso_in_use(const struct iso *iso, struct span at, const struct iso_paths *but);
/* A boot image that is not where the catalog says, as far as that can be told: in front of all
 * files, in the middle of one, or behind the end. */
bool iso_is_astray(const struct iso *iso, const struct iso_boot_entry *b);
/* Of what should stand there (zeros aside, which stand everywhere) most does. */
bool iso_is_mostly(struct view is, struct view should);
/* The file that begins at a block; NULL: none is known. */
const struct iso_extent *iso_file_at(const struct iso *iso, uint64_t lba);
/* Bytes of the primary volume that are behind the end of the image. */
uint64_t iso_missing(const struct iso *iso);

/* The volume whose names and label Linux shows. NULL: none. */
const struct iso_volume *iso_shown(const struct iso *iso);

/* Where a byte of the image stands, for messages. */
bool iso_place(const struct iso *iso, struct span at, struct arena *a, struct place *out);

/* Entry n of a path table, counted from 1: what it says. */
struct iso_path {
	struct span at;
	struct field lba;
	uint16_t parent;
	struct str name;
};

/* The one at *off of a table's bytes; false: there is no whole one. *off goes behind it. */
bool iso_path_next(const struct iso_paths *t, size_t *off, struct iso_path *out);

#endif
