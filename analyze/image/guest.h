/* The disk that a QCOW2 shows its guest: which bytes of which file each of its bytes is.
 *
 * A source of the third kind (analyze/source.h): reads go through L1 and L2 as they stand in
 * the host file, edits that are laid over it included. What the tables cannot give is said,
 * never made up: a read that meets it fails with ERR_UNREADABLE.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GUEST_H
#define ANALYZE_IMAGE_GUEST_H

#include "analyze/image/qcow2.h"
#include "analyze/source.h"

enum {
	/* What is kept of tables: blocks of the host file. */
	GUEST_BLOCK = 32 << 10,
	GUEST_BLOCKS = 8,
	/* Bytes that are inflated for one input, at most: a few MiB of file may hold
	 * terabytes. */
	GUEST_INFLATE_MAX = 128 << 20,
};

/* Where a run of the guest's bytes is. */
enum guest_kind {
	GUEST_ZERO,    /* nowhere: zeros */
	GUEST_DATA,    /* at `host` of src. Behind the end of src: zeros */
	GUEST_BACKING, /* likewise; src is the backing file's disk */
	GUEST_PACKED,  /* a compressed cluster: its stream is at `host` of src */
	GUEST_BAD,     /* why says what is wrong with the entry at `entry` */
};

struct guest_run {
	enum guest_kind kind;
	uint64_t off, len;        /* of the guest's disk */
	const struct source *src; /* DATA, BACKING, PACKED */
	/* In src; host_len: of PACKED, its whole sectors. BAD: where an entry leads that
	 * leads behind the end of the file; else 0. */
	uint64_t host, host_len;
	const char *why; /* BAD */
	uint64_t entry;  /* the host file's L1 or L2 entry that says so */
};

/* The cluster that was inflated last, and how much may still be. One for a whole chain. */
struct guest_packed {
	const struct source *src;
	uint64_t host;
	uint64_t left; /* bytes that may still be inflated */
	uint8_t *in, *out;
	size_t in_size, out_size;
};

struct guest_block {
	uint64_t off; /* in the host file */
	size_t n;     /* bytes that are there; 0: empty */
	uint64_t used;
	uint8_t *p;
};

struct guest {
	const struct qcow2 *q;
	uint64_t size; /* bytes, whole sectors of 512 */
	struct arena *arena;
	struct guest_packed *packed;
	/* Where clusters are: the host file, or the external data file. NULL: that is not
	 * there, and data_why says why. */
	const struct source *data;
	const char *data_why;
	/* What is not allocated reads from here; NULL without: zeros, or, when backing_why
	 * says why it cannot be read, not at all. */
	const struct source *backing;
	const char *backing_why;
	/* what is kept of tables, by when it was used */
	struct guest_block block[GUEST_BLOCKS];
	uint64_t clock;
	uint32_t asked; /* runs that guest_next_data() looked at, of all questions */
	/* The longest hole that it has found: a disk without data is asked for it at many
	 * places, and each answer costs a look at every table. */
	struct {
		uint64_t from, to;
	} hole;
};

/* Why there is no telling what the guest sees (encryption, features from the future, a
 * header that is too damaged); NULL: guest_init() can be called. */
const char *guest_refused(const struct qcow2 *q);

/* packed may be shared by the guests of a chain. Backing and data file: the caller sets them
 * afterwards, they are as if there were none. */
void guest_init(struct guest *g, const struct qcow2 *q, struct guest_packed *packed,
		struct arena *a);

/* g as a source. Both must stay where they are. */
struct source guest_source(struct guest *g);

/* What stands at off (below g->size): a run of at least a byte and at most len. -1: the host
 * file cannot be read. */
int guest_map(struct guest *g, uint64_t off, uint64_t len, struct guest_run *out,
	      struct err *e) __attribute__((warn_unused_result));

/* For analyze/source.c, within g->size. */
int guest_read(struct guest *g, uint64_t off, uint8_t *buf, size_t n, struct err *e)
	__attribute__((warn_unused_result));
uint64_t guest_next_data(struct guest *g, uint64_t off);

/* A compressed cluster's bytes into all n bytes of out. type: the header's compression
 * type, at most 1. False: they are not so many, or not compressed data. */
bool guest_unpack(unsigned type, struct view in, uint8_t *out, size_t n);

/* The cluster of a PACKED run, inflated; valid until the next one is. type: the header's
 * compression type. */
int guest_inflate(struct guest_packed *p, const struct guest_run *r, unsigned type,
		  size_t cluster_size, struct arena *a, const uint8_t **out,
		  struct err *e) __attribute__((warn_unused_result));

#endif
