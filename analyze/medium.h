/* A file that a config names as a disk or medium, as far as configs are concerned: what is in
 * it, how large the disk is that a guest would see, and what that disk can do. It outlives the
 * reading of the file: one for each file, however many configs name it (media.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_MEDIUM_H
#define ANALYZE_MEDIUM_H

#include "analyze/host.h"
#include "analyze/image/backing.h"
#include "analyze/image/boot_code.h"
#include "analyze/image/gpt.h"
#include "analyze/image/pe.h"
#include "analyze/image/program.h"
#include "analyze/image/stray.h"
#include "analyze/model.h"
#include "analyze/source.h"
#include "base/arena.h"
#include "base/err.h"

struct nvram;
struct unit;

enum medium_table {
	TABLE_UNKNOWN, /* damaged, or the disk was not looked at */
	TABLE_NONE,
	TABLE_MBR,
	TABLE_GPT,
};

/* A file below an overlay, or beside it. */
struct medium_link {
	const char *path;    /* where it was looked for; NULL: nowhere */
	struct str name;     /* as the image says it */
	struct str declared; /* its format by the one that names it; n 0: not said */
	enum backing_state state;
	bool opened;
	dev_t dev; /* of one that was opened */
	ino_t ino;
	const char *format; /* by its content; NULL: not known */
	uint64_t disk_size; /* as a guest would see it; 0: not known */
	bool names_files;   /* it is a QCOW2, and names further files itself */
};

/* What the disk in it can boot (image/boot.h). */
struct medium_boot {
	struct answer bios;
	enum boot_code code; /* of its first sector */
	bool marked;         /* which ends with 55 AA */
	struct answer uefi[EFI_ARCHES];
	/* Is any of the loaders signed that make uefi[] a yes? */
	struct answer is_signed[EFI_ARCHES];
	struct answer other; /* loaders that a boot entry of the firmware could start */
	struct answer windows;
	/* A loader of uefi[] is in a GPT's partition of another type than ESP: that; len 0 */
	struct span untyped_at;
	unsigned untyped;
};

/* An ISO 9660 image as Linux mounts it. */
struct medium_iso {
	struct str label;
	struct span label_at;
	bool plain; /* its names have neither Rock Ridge nor Joliet behind them */
	const struct str *root; /* what is in the root */
	size_t nroot;
	bool all;     /* and that is all */
	bool catalog; /* it has a boot catalog */
};

/* A partition of a GPT. */
struct medium_part {
	struct guid guid, type;
	struct span at;
	const char *filesystem; /* NULL: not known */
};

/* Where it is kept, when the VMs run on this machine. */
struct medium_place {
	bool known;
	uint64_t stored;     /* bytes that it takes up there */
	uint64_t free;       /* that are left */
	bool refuses_direct; /* O_DIRECT */
	const char *user;    /* that VMs run as; NULL: not known */
	const char *barred;  /* a folder above it that he may not enter; or NULL */
	const char *fstype;  /* NULL: not known */
};

struct medium {
	/* Its path, size and identity. Not open: places in it can be named, not read. */
	struct source file;
	struct source disk; /* the same for the disk in a container */
	/* By its first bytes: QEMU's name of a container ("qcow2", "vmdk", ...), "iso9660",
	 * or "raw" for all that has no signature. */
	const char *format;
	struct span format_at; /* the signature; len 0: none */
	/* No disk, although it is named as one: an archive, a page, a pointer of Git LFS. */
	bool is_stray;
	struct stray stray;
	/* It is an input of the run as well: what is wrong with it alone is said there. */
	bool judged;
	bool blank; /* nothing but zeros where anything would begin, and it has no table */

	/* The disk that a guest sees when it is attached as `format`. */
	uint64_t disk_size; /* bytes; 0: not known */
	enum medium_table table;
	struct span table_at;       /* the signature of the table; len 0: none */
	uint32_t table_sector_size; /* GPT: bytes */
	bool table_both;            /* GPTs for two sector sizes */
	uint64_t table_end;         /* bytes that its partitions reach up to; 0: none */
	const char *filesystem;     /* of the whole disk, without a table; NULL: none */
	bool filled;                /* a partition holds a file system that is known */
	const struct medium_part *part; /* of a GPT, all of them */
	size_t nparts;

	const struct medium_boot *boot; /* NULL: not known */
	const struct medium_iso *iso;   /* NULL: it is none, or damaged */
	uint64_t missing; /* bytes that an ISO has behind the end of the file */
	/* Of a raw one: is it loaded by QEMU itself? And the variables that are in it, NULL:
	 * not known. */
	struct program program;
	const struct nvram *nvram;

	/* QCOW2; else zero */
	uint64_t incompatible;
	struct span incompatible_at;
	bool encrypted;
	struct span encrypted_at;
	uint64_t cluster_size, l2_entry_size; /* bytes; 0: not known */
	uint64_t snapshots;                   /* internal ones, as the header says */
	struct span snapshots_at;
	bool has_backing, has_data_file;
	const struct medium_link *chain; /* below it, the next first */
	size_t nchain;
	struct medium_link data_file;
	struct span backing_at, data_file_at; /* their names; len 0: none */

	struct lock_state locks; /* who has it open now */
	struct medium_place place;
	const struct loop_device *loop; /* over it, or NULL */
	const struct mount *loop_mount; /* of that, or of a partition of it; or NULL */
};

/* What u, which is open, shows of its file. Memory is a's, and nothing of u's. */
const struct medium *medium_of(const struct unit *u, struct arena *a);

/* What only the system knows of its place: here_linux.c. Memory is a's. */
void here_look(const struct source *s, const struct host *host, struct arena *a,
	       struct medium_place *out);

static inline bool medium_is(const struct medium *m, const char *format)
{
	return m && strcmp(m->format, format) == 0;
}

#endif
