/* Statements that make a QCOW2.
 *
 *   qcow2 [version=3] [cluster=64K] [refbits=16] [l2=extended] [backing=NAME[:FORMAT]]
 *         [data-file=NAME] [data-raw=1] [compression=zstd] [crypt=aes|luks] [lazy=1]
 *         [header-length=112] [names=0] [l1-size=N] [refcount-table=CLUSTERS]
 *         [compress=1] [allocate=1]
 *       The disk that is built so far is what the guest sees, its data in clusters of the
 *       new image: header, refcount table, refcount block, L1 table, and the rest in the
 *       order of the guest's disk. data-file: that file is made, too, beside the image.
 *       names: with a table of feature names (if it fits). compress: clusters that become
 *       smaller are compressed. allocate: every cluster is, also those of zeros.
 *
 * Then, as a guest would:
 *   guest OFF fill LEN [seed=N] [gaps=1]     bytes as `fill` makes them
 *   guest OFF text "..."
 *   guest OFF compress LEN [seed=N]          the same with gaps, in compressed clusters
 *   guest OFF zero LEN [keep=1]              zero clusters; keep: they stay allocated
 *   guest OFF allocate LEN                   clusters, in which nothing is written
 *   guest OFF discard LEN
 *       What a new cluster is not given is zeros, whatever a backing file has.
 *   snapshot ID NAME [vm-state=LEN] [extra=24]
 *       vm-state: needs room in the L1 table (l1-size=)
 *   bitmap NAME [granularity=64K] [dirty=OFF] [ones=1] [in-use=1] [auto=1]
 *   extension TYPE [TEXT]                    one more, behind the others
 *
 * Then any action on the bytes of the file. Places, besides numbers and end-N:
 *   cluster[N]  header.FIELD  l1[N]  l2[I][J]  l2[I][J].bitmap  rt[N]  refcount[CLUSTER]
 *   refblock[N]  snapshot[N].FIELD  snapshot[N].l1[N]  snapshot[N].l2[I][J]
 *   bitmap[N].FIELD  bitmap[N].table[N]  ext[N].type|length|data  backing  luks
 *   guest[OFF]  where that byte of the guest's disk is
 * They are those of the image as it was built: l2[0] stays when l1[0] is zeroed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/qcow2.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

static char *copy_of(const struct recipe *r, const char *s, size_t n)
{
	char *p = strndup(s, n);

	if (!p)
		die(r, "no memory");
	return p;
}

static struct qcow2_image *need_qcow2(const struct recipe *r)
{
	if (!r->q)
		die(r, "%s needs a qcow2 before it", r->word[0]);
	r->q->dirty = true;
	return r->q;
}

static unsigned log2_of(const struct recipe *r, uint64_t v, const char *what)
{
	if (!is_pow2(v))
		die(r, "%s must be a power of two", what);
	return (unsigned)__builtin_ctzll(v);
}

/* One of the words, by its index. */
static unsigned choice(const struct recipe *r, const char *key, const char *const *words)
{
	const char *s = option(r, key);

	for (unsigned i = 0; s && words[i]; i++) {
		if (strcmp(s, words[i]) == 0)
			return i;
	}
	if (s)
		die(r, "%s is not '%s'", key, s);
	return 0;
}

/* ---- making one ---- */

static void read_layout(struct recipe *r, struct qcow2_image *q)
{
	static const char *const l2[] = { "standard", "extended", NULL };
	uint64_t covered, clusters;

	q->version = (unsigned)option_number(r, "version", 3);
	q->cs = option_number(r, "cluster", 64 << 10);
	q->cluster_bits = log2_of(r, q->cs, "cluster");
	q->refcount_order = log2_of(r, option_number(r, "refbits", 16), "refbits");
	q->ext_l2 = choice(r, "l2", l2);
	q->header_length = (unsigned)option_number(r, "header-length", 112);
	if (q->cluster_bits < 9 || q->cluster_bits > 21 || q->refcount_order > 6 ||
	    q->version < 2 || q->version > 3 || q->header_length < 104 ||
	    q->header_length > q->cs / 2)
		die(r, "no QCOW2 is like that");
	if (q->version == 2 && (q->refcount_order != 4 || q->ext_l2))
		die(r, "version 2 has 16 bits of refcount, and no extended L2");
	covered = q->cs / q_l2_entry_size(q) * q->cs;
	clusters = div_up(r->size, q->cs);
	q->l1_size = option_number(r, "l1-size", div_up(r->size, covered));
	/* For everything twice, and some more. */
	clusters = clusters * 2 + q->l1_size * 2 + 1024;
	q->rt_clusters =
		div_up(div_up(clusters, q->cs * 8 >> q->refcount_order) * 8, q->cs);
	q->rt_clusters = option_number(r, "refcount-table", q->rt_clusters);
	q->guest_size = r->size;
}

static void read_features(struct recipe *r, struct qcow2_image *q)
{
	static const char *const kinds[] = { "zlib", "zstd", NULL };
	static const char *const ciphers[] = { "none", "aes", "luks", NULL };
	const char *backing = option(r, "backing"), *data = option(r, "data-file");

	q->compression = choice(r, "compression", kinds);
	q->crypt = choice(r, "crypt", ciphers);
	q->names = q->version >= 3 && option_number(r, "names", q->cs >= 1024);
	if (backing) {
		size_t n = strcspn(backing, ":");

		q->backing = copy_of(r, backing, n);
		if (backing[n])
			q->backing_format = copy_of(r, backing + n + 1, 1000);
	}
	if (data)
		q->data_file = copy_of(r, data, 1000);
	q->incompatible =
		(data ? 4u : 0) | (q->compression ? 8u : 0) | (q->ext_l2 ? 16u : 0);
	q->compatible = option_number(r, "lazy", 0);
	q->autoclear = option_number(r, "data-raw", 0) ? 2 : 0;
	if (q->version == 2 && (q->incompatible | q->compatible | q->autoclear))
		die(r, "version 2 has no features");
}

static void make_data_file(struct recipe *r, struct qcow2_image *q)
{
	const char *slash = strrchr(r->out, '/');
	char path[4096];

	q->data_fd = -1;
	if (!q->data_file)
		return;
	snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash - r->out) + 1 : 0,
		 r->out, q->data_file);
	q->data_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (q->data_fd < 0 || ftruncate(q->data_fd, (off_t)q->guest_size) != 0)
		die(r, "%s: %s", path, strerror(errno));
}

/* Header, refcount table, refcount block and L1 table: where QEMU has them. */
static void make_tables(struct recipe *r, struct qcow2_image *q)
{
	uint64_t l1_clusters = div_up(q->l1_size * 8, q->cs);

	q->rt_off = q->cs;
	q->next = q->cs * (1 + q->rt_clusters);
	if (ftruncate(r->fd, (off_t)q->next) != 0)
		die(r, "cannot size the image: %s", strerror(errno));
	r->size = q->next;
	for (uint64_t i = 0; i <= q->rt_clusters; i++)
		q_set_refcount(r, i, 1);
	q->l1_off = q_alloc(r, l1_clusters);
	q->l1 = zeros(r, q->l1_size * 8);
	if (q->crypt == 2)
		q_luks_header(r);
}

static bool is_zero(const uint8_t *p, uint64_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, (size_t)n - 1) == 0;
}

/* The raw disk's clusters that hold something. */
static void import(struct recipe *r, int fd)
{
	struct qcow2_image *q = r->q;
	bool compress = option_number(r, "compress", 0);
	uint8_t *p = zeros(r, q->cs);
	off_t at = 0;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		uint64_t off = (uint64_t)at / q->cs * q->cs;
		uint64_t n = u64_min(q->cs, q->guest_size - off);

		memset(p, 0, (size_t)q->cs);
		if (pread(fd, p, (size_t)n, (off_t)off) != (ssize_t)n)
			die(r, "cannot read the disk back: %s", strerror(errno));
		if (!is_zero(p, q->cs) && !(compress && q_compress(r, off, p)))
			q_write(r, off, p, q->cs);
		at = (off_t)(off + q->cs);
		if ((uint64_t)at >= q->guest_size)
			break;
	}
	free(p);
	if (option_number(r, "allocate", 0))
		q_allocate(r, 0, q->guest_size);
}

void do_qcow2(struct recipe *r)
{
	struct qcow2_image *q = calloc(1, sizeof(*q));
	int disk = r->fd;

	only_options(r, 1,
		     "version cluster refbits l2 backing data-file data-raw compression "
		     "crypt lazy header-length names l1-size refcount-table compress "
		     "allocate");
	if (!q || r->q)
		die(r, "it is a qcow2 already");
	read_layout(r, q);
	read_features(r, q);
	make_data_file(r, q);
	/* The disk lives on without a name. */
	if (unlink(r->out) != 0)
		die(r, "%s: %s", r->out, strerror(errno));
	r->fd = open(r->out, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (r->fd < 0)
		die(r, "%s: %s", r->out, strerror(errno));
	r->q = q;
	q->dirty = true;
	make_tables(r, q);
	import(r, disk);
	close(disk);
}

/* ---- the guest ---- */

static void whole_clusters(const struct recipe *r, uint64_t off, uint64_t n)
{
	const struct qcow2_image *q = r->q;

	if (off % q->cs || (n % q->cs && off + n != q->guest_size))
		die(r, "%s takes whole clusters of %" PRIu64 " bytes", r->word[2], q->cs);
}

static void compress_all(struct recipe *r, uint64_t off, uint64_t n)
{
	struct qcow2_image *q = r->q;
	uint8_t *p = random_bytes(r, div_up(n, q->cs) * q->cs,
				  option_number(r, "seed", 1), true);

	for (uint64_t i = 0; i < n; i += q->cs) {
		if (!q_compress(r, off + i, p + i))
			die(r, "a cluster does not become smaller");
	}
	free(p);
}

static void fill_guest(struct recipe *r, uint64_t off, uint64_t n)
{
	uint8_t *p = random_bytes(r, n, option_number(r, "seed", 1), option(r, "gaps"));

	q_write(r, off, p, n);
	free(p);
}

void do_guest(struct recipe *r)
{
	struct qcow2_image *q = need_qcow2(r);
	uint64_t off = number(r, need(r, 1, "an offset")), n;
	const char *what = need(r, 2, "what to do"), *arg = need(r, 3, "a length");

	if (strcmp(what, "text") == 0) {
		n = strlen(arg);
		if (!range_within(off, n, q->guest_size))
			die(r, "this is outside of the guest's disk");
		q_write(r, off, (const uint8_t *)arg, n);
		return;
	}
	only_options(r, 4, "seed gaps keep");
	n = number(r, arg);
	if (!range_within(off, n, q->guest_size))
		die(r, "this is outside of the guest's disk");
	if (strcmp(what, "fill") == 0) {
		fill_guest(r, off, n);
		return;
	}
	whole_clusters(r, off, n);
	if (strcmp(what, "compress") == 0)
		compress_all(r, off, n);
	else if (strcmp(what, "zero") == 0)
		q_zero(r, off, n, option_number(r, "keep", 0));
	else if (strcmp(what, "allocate") == 0)
		q_allocate(r, off, n);
	else if (strcmp(what, "discard") == 0)
		q_discard(r, off, n);
	else
		die(r, "guest knows fill text compress zero allocate discard, not '%s'",
		    what);
}

/* ---- snapshots and bitmaps ---- */

/* The RAM of the guest stands behind its disk while the snapshot is made. */
static uint64_t vm_state_at(const struct qcow2_image *q)
{
	uint64_t covered = q->cs / q_l2_entry_size(q) * q->cs;

	return div_up(q->guest_size, covered) * covered;
}

void do_snapshot(struct recipe *r)
{
	struct qcow2_image *q = need_qcow2(r);
	struct q_snapshot *s = &q->snapshot[q->nsnapshots];
	const char *id = need(r, 1, "an id"), *name = need(r, 2, "a name");
	uint64_t bytes = q->l1_size * 8;
	uint8_t *p;

	only_options(r, 3, "vm-state extra");
	if (q->nsnapshots == Q_LIST_MAX || strlen(id) + strlen(name) > 2000)
		die(r, "too many, or too long a name");
	s->id = copy_of(r, id, 1000);
	s->name = copy_of(r, name, 1000);
	s->vm_state = option_number(r, "vm-state", 0);
	s->extra = (unsigned)option_number(r, "extra", 24);
	if (s->extra > 1024)
		die(r, "extra data is at most 1024 bytes here");
	if (s->vm_state) {
		p = random_bytes(r, s->vm_state, 99, false);
		q_write(r, vm_state_at(q), p, s->vm_state);
		free(p);
	}
	s->l1_size = q->l1_size;
	s->l1_off = q_alloc(r, div_up(bytes, q->cs));
	p = zeros(r, bytes);
	get(r, q->l1_off, p, (size_t)bytes);
	put(r, s->l1_off, p, (size_t)bytes);
	memcpy(p, q->l1, (size_t)bytes);
	s->l1 = (uint64_t *)(void *)p;
	q_share(r);
	if (s->vm_state)
		q_discard(r, vm_state_at(q), s->vm_state);
	q->nsnapshots++;
}

void do_bitmap(struct recipe *r)
{
	struct qcow2_image *q = need_qcow2(r);
	struct q_bitmap *b = &q->bitmap[q->nbitmaps];
	const char *name = need(r, 1, "a name"), *dirty = option(r, "dirty");
	uint64_t granularity, bit, at;

	only_options(r, 2, "granularity dirty ones in-use auto");
	if (q->nbitmaps == Q_LIST_MAX || q->version < 3 || strlen(name) > 1023)
		die(r, "too many, too long a name, or version 2");
	granularity = option_number(r, "granularity", 64 << 10);
	b->granularity_bits = log2_of(r, granularity, "granularity");
	b->name = copy_of(r, name, 1023);
	b->flags = (option_number(r, "in-use", 0) ? 1u : 0) |
		   (option_number(r, "auto", 0) ? 2u : 0);
	b->table_size = div_up(div_up(div_up(q->guest_size, granularity), 8), q->cs);
	b->table_off = q_alloc(r, div_up(b->table_size * 8, q->cs));
	if (option_number(r, "ones", 0))
		q_put(r, b->table_off, 1, 8);
	if (dirty) {
		bit = number(r, dirty) / granularity;
		at = q_alloc(r, 1);
		q_put(r, b->table_off + bit / 8 / q->cs * 8, at, 8);
		q_put(r, at + bit / 8 % q->cs, 1u << bit % 8, 1);
	}
	q->nbitmaps++;
}

void do_extension(struct recipe *r)
{
	struct qcow2_image *q = need_qcow2(r);
	uint64_t type = number(r, need(r, 1, "a type"));
	const char *text = r->nwords > 2 ? r->word[2] : "";

	if (q->next_ext >= Q_LIST_MAX - 8 || type > UINT32_MAX)
		die(r, "too many extensions, or no type of 32 bits");
	q->ext[q->next_ext++] =
		(struct q_ext){ .type = (uint32_t)type, .text = copy_of(r, text, 4096) };
}
