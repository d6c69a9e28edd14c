/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/signs.h"
#include "analyze/image/container.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"

#include <sys/stat.h>

#include "base/banned.h"

enum {
	OFF_ISO9660 = 16 * 2048 + 1,
	OFF_USTAR = 257,
	ZIP_END = 22, /* bytes of its end record, without a comment */
	TAIL_CHUNK = 8 << 10,
	TAIL_CHUNKS = 256, /* that are read of what is behind the end */
};

static struct span span_of(const struct unit *u, uint64_t off, uint64_t len)
{
	return (struct span){ .src = &u->src, .off = off, .len = len };
}

static void add(struct unit *u, struct signs *s, const char *format, uint64_t off,
		uint64_t len)
{
	if (s->n < SIGNS_MAX)
		s->v[s->n++] =
			(struct sign){ .format = format, .at = span_of(u, off, len) };
}

static void look_for(struct unit *u, struct signs *s, const char *format, size_t off,
		     const char *bytes)
{
	size_t n = strlen(bytes);

	if (view_eq(u->head, off, bytes, n))
		add(u, s, format, off, n);
}

/* ---- a raw disk ---- */

static void signs_of_raw(struct unit *u, struct signs *s)
{
	struct container c = container_of_head(u->head);

	/* A disk may be encrypted as a whole. */
	if (c.format && strcmp(c.format, "luks") != 0)
		add(u, s, c.format, c.off, c.len);
	look_for(u, s, "tar", OFF_USTAR, "ustar");
}

/* ---- a QCOW2 ---- */

/* What the guest has on its disk may be anywhere in the file. */
static bool in_use(const struct qcow2 *q, uint64_t off)
{
	const struct qcow2_scan *c = q->scan;

	return c && c->complete && qcow2_refs_count(&c->refs, off / q->cluster_size) > 0;
}

/* A GPT whose backup is in the last sector of just this file, or says that it should be. */
static int find_disk(struct unit *u, struct signs *s, struct err *e)
{
	uint64_t last = u->src.size / MBR_SIZE - 1;
	struct view sector;

	if (u->src.size < 64 << 10)
		return 0;
	if (view_has(u->head, MBR_SIZE, MBR_SIZE)) {
		sector = view_cut(u->head, MBR_SIZE, MBR_SIZE);
		if (gpt_header_intact(sector, 1) &&
		    view_le64(sector, GPT_OFF_ALTERNATE_LBA) == last)
			s->disk = span_of(u, MBR_SIZE, 8);
	}
	if (source_view(&u->src, &u->arena, last * MBR_SIZE, MBR_SIZE, &sector, e) != 0)
		return -1;
	if (!s->disk.len && gpt_header_intact(sector, last) &&
	    !in_use(u->qcow2, last * MBR_SIZE) &&
	    view_le64(sector, GPT_OFF_ALTERNATE_LBA) == 1)
		s->disk = span_of(u, last * MBR_SIZE, 8);
	return 0;
}

/* Only in the first cluster: there is nothing of the disk in it. */
static void signs_of_head(struct unit *u, struct signs *s)
{
	const struct qcow2 *q = u->qcow2;

	if (q->cluster_size > OFF_ISO9660)
		look_for(u, s, "iso9660", OFF_ISO9660, "CD001");
	look_for(u, s, "tar", OFF_USTAR, "ustar");
	if (q->cluster_size > MBR_SIZE)
		look_for(u, s, "GPT", MBR_SIZE, GPT_SIGNATURE);
	if (mbr_plausible(u->head))
		add(u, s, "MBR", MBR_OFF_MAGIC, 2);
}

/* Behind the last cluster, or in a part of one that is nobody's. */
static int signs_of_tail(struct unit *u, struct signs *s, uint64_t end, struct err *e)
{
	uint64_t size = u->src.size;
	struct container c;
	struct view v;

	if (size < end + CONTAINER_FOOTER)
		return 0;
	if (source_view(&u->src, &u->arena, size - CONTAINER_FOOTER, CONTAINER_FOOTER, &v,
			e) != 0)
		return -1;
	c = container_of_footer(v);
	if (c.format)
		add(u, s, c.format, size - CONTAINER_FOOTER + c.off, c.len);
	if (view_eq(v, CONTAINER_FOOTER - ZIP_END, "PK\5\6", 4))
		add(u, s, "zip", size - ZIP_END, 4);
	return 0;
}

static int find_tail(struct unit *u, struct signs *s, uint64_t end, struct err *e)
{
	uint64_t size = u->src.size, off = end;
	uint8_t chunk[TAIL_CHUNK];

	for (unsigned i = 0; i < TAIL_CHUNKS; i++) {
		size_t n;

		off = source_next_data(&u->src, off);
		if (off >= size)
			return 0;
		n = (size_t)u64_min(size - off, sizeof(chunk));
		if (source_read(&u->src, off, chunk, n, e) != 0)
			return -1;
		for (size_t k = 0; k < n; k++) {
			if (chunk[k]) {
				s->tail = span_of(u, off + k, size - off - k);
				return 0;
			}
		}
		off += n;
	}
	s->tail_stopped = true;
	return 0;
}

static int signs_of_qcow2(struct unit *u, struct signs *s, struct err *e)
{
	const struct qcow2 *q = u->qcow2;
	const struct qcow2_scan *c = q->scan;
	uint64_t end;

	if (find_disk(u, s, e) != 0)
		return -1;
	if (!q->geometry)
		return 0;
	signs_of_head(u, s);
	/* What could not be read may have its clusters there; and a block device is as long
	 * as it is. */
	if (!c || !c->whole || S_ISBLK(u->src.st.st_mode) ||
	    !u64_mul(c->end, q->cluster_size, &end) || end >= u->src.size)
		return 0;
	if (signs_of_tail(u, s, end, e) != 0)
		return -1;
	return find_tail(u, s, end, e);
}

int signs_read(struct unit *u, struct err *e)
{
	struct signs *s = arena_new(&u->arena, struct signs);

	*s = (struct signs){ .n = 0 };
	u->signs = s;
	if (u->qcow2)
		return signs_of_qcow2(u, s, e);
	signs_of_raw(u, s);
	return 0;
}
