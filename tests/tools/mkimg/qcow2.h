/* The QCOW2 that mkimg builds: what it knows of it, and who does what with it. Written from
 * docs/interop/qcow2.txt, without a look at analyze/image/qcow2*.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_MKIMG_QCOW2_H
#define TESTS_TOOLS_MKIMG_QCOW2_H

#include "tests/tools/mkimg/recipe.h"

enum { Q_LIST_MAX = 32, Q_LUKS_LEN = (8 + 8 * 504) * 512 };

struct q_snapshot {
	char *id, *name;
	uint64_t l1_off, l1_size, vm_state, at;
	uint64_t *l1; /* as built, for places */
	unsigned extra;
};

struct q_bitmap {
	char *name;
	uint64_t table_off, table_size, at;
	unsigned flags, granularity_bits;
};

struct q_ext {
	uint32_t type;
	char *text; /* of a statement `extension`; NULL: mkimg's own */
	uint64_t at;
};

struct qcow2_image {
	unsigned version, cluster_bits, refcount_order, header_length;
	bool ext_l2, names;
	bool dirty; /* header and lists are to be written */
	unsigned compression, crypt;
	uint64_t cs, guest_size, l1_size, l1_off, rt_off, rt_clusters;
	uint64_t incompatible, compatible, autoclear;
	uint64_t next;   /* where the next cluster is taken from: the end of the file */
	uint64_t packed; /* the first byte behind the last compressed cluster, or 0 */
	uint64_t *l1;    /* as built: places stay when entries are broken */
	char *backing, *backing_format, *data_file;
	int data_fd;
	uint64_t backing_at;
	uint64_t luks_off;
	struct q_snapshot snapshot[Q_LIST_MAX];
	uint64_t snapshots_off, snapshots_clusters;
	struct q_bitmap bitmap[Q_LIST_MAX];
	uint64_t bitmaps_off, bitmaps_len;
	struct q_ext ext[Q_LIST_MAX];
	unsigned nsnapshots, nbitmaps, next_ext;
};

/* ---- qcow2.c: clusters, refcounts, the guest's disk ---- */

void q_put(const struct recipe *r, uint64_t off, uint64_t v, unsigned width);
uint64_t q_get(const struct recipe *r, uint64_t off, unsigned width);

/* n clusters in a row, each with a refcount of 1; they are a hole. */
uint64_t q_alloc(struct recipe *r, uint64_t n);
void q_free(struct recipe *r, uint64_t off, uint64_t n);
/* The refcount of a cluster by its number. */
uint64_t q_refcount(const struct recipe *r, uint64_t cluster);
void q_set_refcount(struct recipe *r, uint64_t cluster, uint64_t v);
void q_add_refcount(struct recipe *r, uint64_t cluster, int delta);

uint64_t q_l2_entry_size(const struct qcow2_image *q);
/* Where the L2 entry for a guest offset stands; *host: its cluster. Both 0: none. */
uint64_t q_find(const struct recipe *r, uint64_t guest, uint64_t *host);

void q_write(struct recipe *r, uint64_t guest, const uint8_t *p, uint64_t n);
void q_allocate(struct recipe *r, uint64_t guest, uint64_t n);
void q_zero(struct recipe *r, uint64_t guest, uint64_t n, bool keep);
void q_discard(struct recipe *r, uint64_t guest, uint64_t n);
/* False: it does not become smaller, and nothing was written. */
bool q_compress(struct recipe *r, uint64_t guest, const uint8_t *p);
/* What a snapshot needs: all that the L1 table refers to has one more user. */
void q_share(struct recipe *r);

/* ---- qcow2_meta.c: header and lists ---- */

/* Writes header, snapshot table and bitmap directory, if something was added to them. */
void q_seal(struct recipe *r);
/* Where the keys of an encrypted image would be. */
void q_luks_header(struct recipe *r);

/* ---- qcow2_words.c: statements ---- */

void do_qcow2(struct recipe *r);
void do_guest(struct recipe *r);
void do_snapshot(struct recipe *r);
void do_bitmap(struct recipe *r);
void do_extension(struct recipe *r);

/* ---- qcow2_place.c ---- */

/* "header.size", "l2[0][3]", ... False: not a place of a QCOW2. *s goes behind it. */
bool q_place(const struct recipe *r, const char **s, uint64_t *off, unsigned *width);
/* For `set`: counts that are smaller than a byte. False: the word is no refcount. */
bool q_place_refcount(const struct recipe *r, const char *word, uint64_t *cluster);

#endif
