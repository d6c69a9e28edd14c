/* The master boot record, its extended partitions, and the protective MBR of a GPT.
 * Layout: UEFI 2.10 section 5.2; extended boot records as every DOS since 3.3 reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_MBR_H
#define ANALYZE_IMAGE_MBR_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct image;

enum {
	MBR_SIZE = 512, /* whatever the disk's sectors measure */
	MBR_OFF_DISK_SIGNATURE = 440,
	MBR_OFF_ENTRIES = 446,
	MBR_ENTRY_SIZE = 16,
	MBR_ENTRIES = 4,
	MBR_OFF_MAGIC = 510, /* 55 AA */

	/* within an entry */
	MBR_ENT_BOOT = 0,
	MBR_ENT_CHS_FIRST = 1,
	MBR_ENT_TYPE = 4,
	MBR_ENT_CHS_LAST = 5,
	MBR_ENT_LBA = 8,
	MBR_ENT_SECTORS = 12,

	MBR_BOOT_ACTIVE = 0x80,

	MBR_TYPE_EMPTY = 0x00,
	MBR_TYPE_EXTENDED_CHS = 0x05,
	MBR_TYPE_EXTENDED_LBA = 0x0f,
	MBR_TYPE_EXTENDED_LINUX = 0x85,
	MBR_TYPE_PROTECTIVE = 0xee,
	MBR_TYPE_ESP = 0xef,

	EBR_CHAIN_MAX = 128, /* links that we follow; Linux ends at 60 partitions */
};

struct mbr_entry {
	struct span at;    /* its 16 bytes */
	struct field boot; /* 00 or 80 */
	struct field type;
	struct field lba; /* first sector; for a logical one already absolute */
	struct field sectors;
	uint8_t chs_first[3], chs_last[3];
	bool used;       /* type is not 0 and it has sectors, or it is 0xEE */
	bool extended;   /* type 05, 0F or 85 */
	unsigned number; /* 1 to 4, logical ones from 5 */
};

/* One extended boot record: a sector in the chain. */
struct ebr {
	struct span at;   /* its 512 bytes */
	struct span link; /* the 16 bytes of the entry that led here */
	uint64_t lba;
	struct field magic;
	/* lba already absolute; number 0: not a logical partition */
	struct mbr_entry entry[MBR_ENTRIES];
};

enum ebr_end {
	EBR_NONE,         /* no extended partition */
	EBR_COMPLETE,     /* the chain ended as it should */
	EBR_LOOP,         /* it comes back to a sector that it has been at */
	EBR_NO_SIGNATURE, /* a link has no 55 AA */
	EBR_OUTSIDE,  /* a link lies past the end of the disk or its extended partition */
	EBR_TOO_LONG, /* more than EBR_CHAIN_MAX links */
};

struct mbr {
	const struct image *image;
	struct span at;     /* 512 bytes */
	struct field magic; /* little-endian 0xAA55 when right */
	bool magic_ok;
	bool boot_sector; /* of a file system (a jump, then a plausible BPB or a
					known name): what stands at the entries is code */
	bool boot_code;   /* bytes 0 to 439 are not all zero */
	uint32_t disk_signature;
	uint32_t sector_size; /* bytes per LBA: the GPT's, or 512 */
	uint64_t sectors;     /* of the whole disk */
	struct mbr_entry entry[MBR_ENTRIES];
	unsigned nprotective;               /* entries of type EE */
	const struct mbr_entry *protective; /* the first of them, or NULL */
	bool hybrid;                        /* a protective entry and a used other one */
	const struct mbr_entry *logical;
	size_t nlogical;
	const struct ebr *ebr; /* the sectors of the chain, in the order they were read */
	size_t nebr;
	enum ebr_end ebr_end; /* with several extended partitions, the first bad end */
	struct span ebr_at;   /* the 16 bytes that point where the chain goes wrong */
	uint64_t ebr_lba;     /* and where they point */
};

/* Reads sector 0 of img and follows the EBR chains as Linux does. Any content is
 * described; ERR_SHORT when the disk has no 512 bytes. */
int mbr_read(struct mbr *m, const struct image *img, uint32_t sector_size,
	     struct arena *a, struct err *e) __attribute__((warn_unused_result));

/* True when sector 0 has partition entries that could be meant: 55 AA, boot flags of 00
 * or 80 in all four (or a used entry whose CHS addresses a tool made for its LBA, which no
 * chance does), at least one used, and it is no file system's boot sector. */
bool mbr_plausible(struct view sector0);

/* The sectors that e's CHS addresses name, in the geometry of 255 heads and 63 sectors that
 * tools of today count in. False when they name none, or say "go by the LBA". */
bool mbr_chs_range(const struct mbr_entry *e, uint64_t *first, uint64_t *last);
/* Do they name the sectors that the entry has? */
bool mbr_chs_agrees(const struct mbr_entry *e);

/* Only the 55 AA is missing: all partitions begin within so many bytes, and in the entry of one
 * a tool made the CHS addresses for the LBA. */
bool mbr_signature_lost(struct view sector0, uint64_t size);

/* True when sector 0 is a file system's (or LUKS's, ...) own: what stands at the entries
 * is not meant as such. */
bool mbr_is_boot_sector(struct view sector0);

/* Is there a protective entry? *end: the first LBA behind it, where a grown disk's lost
 * primary can no longer say where the backup is; 0 when its size is the 2^32 - 1 that
 * says nothing. An entry at LBA 1 counts even without the 55 AA. */
bool mbr_protective_end(struct view sector0, uint64_t *end);

/* The 16 bytes of a protective entry for a disk of so many sectors: 00, CHS 00 02 00, EE,
 * CHS FF FF FF, LBA 1, min(sectors - 1, 2^32 - 1). */
void mbr_protective_bytes(uint64_t sectors, uint8_t out[MBR_ENTRY_SIZE]);
/* The size field's right value for it. */
uint32_t mbr_protective_sectors(uint64_t sectors);

#endif
