/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/samedisks/disk.h"
#include "base/num.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/banned.h"

#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define COPIED      (UINT64_C(1) << 63)
#define COMPRESSED  (UINT64_C(1) << 62)

enum { NAME_LEN = 1024, L1_MAX = 4194304 };

static void *room(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		exit(2);
	return p;
}

static bool read_at(int fd, uint64_t off, uint8_t *buf, size_t n)
{
	ssize_t got = off > INT64_MAX - n ? 0 : pread(fd, buf, n, (off_t)off);

	if (got < 0)
		return false;
	memset(buf + got, 0, n - (size_t)got);
	return true;
}

static uint64_t be(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t get(const struct image *m, uint64_t off, unsigned bytes)
{
	uint8_t b[8];

	return read_at(m->fd, off, b, bytes) ? be(b, bytes) : 0;
}

/* ---- opening ---- */

static int open_beside(const struct image *m, const char *name, uint64_t *size)
{
	char path[sizeof(m->folder) + NAME_LEN + 1];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s%s", m->folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= 0)
		*size = (uint64_t)st.st_size;
	return fd;
}

static void add_disk(struct image *m, uint64_t l1, uint64_t l1_size, uint64_t size)
{
	struct disk *d = &m->disk[m->ndisks++];

	d->image = m;
	d->l1 = l1;
	d->l1_size = l1_size <= L1_MAX ? l1_size : 0;
	d->size = size;
	d->l2 = room(m->cluster);
	d->unpacked = room(m->cluster);
}

static void open_snapshots(struct image *m)
{
	uint64_t n = get(m, 60, 4), at = get(m, 64, 8);

	for (uint64_t i = 0; i < n && m->ndisks < DISKS_MAX; i++) {
		uint64_t extra = get(m, at + 36, 4), id = get(m, at + 12, 2);
		uint64_t size = extra >= 16 ? get(m, at + 48, 8) : m->disk[0].size;
		uint64_t len = 40 + extra + id + get(m, at + 14, 2);

		if (extra > 1024)
			return;
		add_disk(m, get(m, at, 8), get(m, at + 8, 4), size);
		read_at(m->fd, at + 40 + extra, (uint8_t *)m->disk[m->ndisks - 1].id,
			(size_t)u64_min(id, ID_MAX - 1));
		at += (len + 7) / 8 * 8;
	}
}

static void open_data_file(struct image *m, uint64_t at, uint64_t len)
{
	char name[NAME_LEN] = "";

	if (len < sizeof(name) && read_at(m->fd, at, (uint8_t *)name, len))
		m->data_fd = open_beside(m, name, &m->data_size);
}

/* Whether QEMU would get to its end. */
static bool open_extensions(struct image *m)
{
	uint64_t at = m->v3 ? get(m, 100, 4) : 72, end = get(m, 8, 8);

	if (end == 0 || end > m->cluster)
		end = m->cluster;
	while (at + 8 <= end) {
		uint64_t type = get(m, at, 4), len = get(m, at + 4, 4);

		if (type == 0)
			break;
		if (len > end - at - 8)
			return false;
		if (type == 0x44415441 && m->external)
			open_data_file(m, at + 8, len);
		if (type == 0x0537be77) {
			m->luks_off = get(m, at + 8, 8);
			m->luks_len = get(m, at + 16, 8);
		}
		at += 8 + (len + 7) / 8 * 8;
	}
	return true;
}

static bool open_backing(struct image *m)
{
	uint64_t off = get(m, 8, 8), len = get(m, 16, 4);
	char path[sizeof(m->folder) + NAME_LEN + 1], name[NAME_LEN] = "";
	struct image *backing;

	if (off == 0 || len == 0)
		return true;
	if (len >= sizeof(name) || !read_at(m->fd, off, (uint8_t *)name, len))
		return false;
	snprintf(path, sizeof(path), "%s%s", m->folder, name);
	backing = image_open(path);
	if (backing && backing->ndisks)
		m->backing = &backing->disk[0];
	return m->backing;
}

static void open_raw(struct image *m)
{
	m->raw = true;
	m->cluster = 65536;
	add_disk(m, 0, 0, m->file_size);
}

static bool open_qcow2(struct image *m)
{
	uint64_t bits = get(m, 20, 4), version = get(m, 4, 4), features;

	if (bits < 9 || bits > 21 || version < 2 || version > 3)
		return false;
	m->v3 = version == 3;
	features = m->v3 ? get(m, 72, 8) : 0;
	m->external = features & 4;
	m->extended = features & 16;
	m->zstd = features & 8 && get(m, 104, 1) == 1;
	m->encrypted = get(m, 32, 4) != 0;
	m->cluster_bits = (unsigned)bits;
	m->cluster = UINT64_C(1) << bits;
	if (!open_extensions(m) || !open_backing(m) || (m->external && m->data_fd < 0))
		return false;
	add_disk(m, get(m, 40, 8), get(m, 36, 4), get(m, 24, 8));
	open_snapshots(m);
	return true;
}

struct image *image_open(const char *path)
{
	struct image *m = room(sizeof(*m));
	const char *slash = strrchr(path, '/');
	struct stat st;

	m->data_fd = -1;
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (m->fd < 0 || fstat(m->fd, &st) != 0)
		return NULL;
	m->file_size = (uint64_t)st.st_size;
	if (slash)
		snprintf(m->folder, sizeof(m->folder), "%.*s", (int)(slash - path) + 1,
			 path);
	if (get(m, 0, 4) != 0x514649fb)
		open_raw(m);
	else if (!open_qcow2(m))
		m->ndisks = 0;
	return m;
}

/* ---- reading ---- */

uint64_t disk_step(const struct disk *d)
{
	return d->image->extended ? d->image->cluster / 32 : d->image->cluster;
}

static enum shown kind_of(const uint8_t *buf, size_t n)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, n - 1) == 0 ? ZEROS : BYTES;
}

static enum shown show(int fd, uint64_t off, uint8_t *buf, size_t n)
{
	return read_at(fd, off, buf, n) ? kind_of(buf, n) : NOT_READABLE;
}

static uint64_t l1_entry(struct disk *d, uint64_t i)
{
	if (!d->l1_read || d->l1_index != i)
		d->l1_last = get(d->image, d->l1 + i * 8, 8);
	d->l1_read = true;
	d->l1_index = i;
	return d->l1_last;
}

/* False: the pointer to the table is none. */
static bool load_l2(struct disk *d, uint64_t guest, uint64_t *entry, uint64_t *bitmap)
{
	const struct image *m = d->image;
	unsigned stride = m->extended ? 16 : 8;
	uint64_t entries = m->cluster / stride, index = guest / m->cluster, at;
	const uint8_t *p;

	*entry = *bitmap = 0;
	if (index / entries >= d->l1_size)
		return true;
	at = l1_entry(d, index / entries) & OFFSET_MASK;
	if (at == 0)
		return true;
	if (at % m->cluster != 0)
		return false;
	if (!d->l2_read || d->l2_at != at) {
		d->l2_read = read_at(m->fd, at, d->l2, m->cluster);
		d->l2_at = at;
	}
	p = d->l2 + index % entries * stride;
	*entry = be(p, 8);
	*bitmap = m->extended ? be(p + 8, 8) : 0;
	return d->l2_read;
}

uint64_t disk_blank(struct disk *d, uint64_t off)
{
	const struct image *m = d->image;
	uint64_t entries = m->cluster / (m->extended ? 16 : 8), n = 0, entry, bitmap;
	uint64_t index = off / m->cluster;

	if (off >= d->blank_from && off < d->blank_to)
		return d->blank_to - off;
	if (m->raw || m->backing || off >= d->size)
		return 0;
	if (index / entries >= d->l1_size)
		return d->size - off;
	if (l1_entry(d, index / entries) == 0)
		n = entries - index % entries;
	for (; index % entries + n < entries; n++) {
		if (!load_l2(d, (index + n) * m->cluster, &entry, &bitmap) || entry ||
		    bitmap)
			break;
	}
	if (n == 0)
		return 0;
	d->blank_from = off;
	d->blank_to = (index + n) * m->cluster;
	return d->blank_to - off;
}

static bool inflate_zlib(const uint8_t *in, size_t n, uint8_t *out, size_t len)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in,
		       .avail_in = (uInt)n,
		       .next_out = out,
		       .avail_out = (uInt)len };
	int rc;

	if (inflateInit2(&z, -12) != Z_OK)
		return false;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (rc == Z_STREAM_END || rc == Z_BUF_ERROR) && z.avail_out == 0;
}

static bool inflate_zstd(const uint8_t *in, size_t n, uint8_t *out, size_t len)
{
	ZSTD_inBuffer from = { in, n, 0 };
	ZSTD_outBuffer to = { out, len, 0 };
	ZSTD_DCtx *z = ZSTD_createDCtx();
	size_t rc = 0;

	while (z && to.pos < to.size) {
		size_t was = from.pos + to.pos;

		rc = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(rc) || from.pos + to.pos == was)
			break;
	}
	ZSTD_freeDCtx(z);
	return rc == 0 && to.pos == to.size;
}

static bool unpack(struct disk *d, uint64_t entry)
{
	const struct image *m = d->image;
	unsigned x = 70 - m->cluster_bits;
	uint64_t off = entry & ((UINT64_C(1) << x) - 1);
	uint64_t sectors = (entry >> x & ((UINT64_C(1) << (62 - x)) - 1)) + 1;
	size_t n = (size_t)(sectors * 512 - off % 512);
	uint8_t *in;

	if (d->packed == entry)
		return d->packed_good;
	in = room(n);
	d->packed = entry;
	d->packed_good =
		off < m->file_size && read_at(m->fd, off, in, n) &&
		(m->zstd ? inflate_zstd : inflate_zlib)(in, n, d->unpacked, m->cluster);
	free(in);
	return d->packed_good;
}

enum what { WHAT_ZERO, WHAT_BACKING, WHAT_HERE, WHAT_BAD };

static enum what what_is(const struct image *m, uint64_t entry, uint64_t bitmap,
			 unsigned sub)
{
	bool here = entry & OFFSET_MASK || (m->external && entry & COPIED);
	bool zero = m->extended ? bitmap >> (32 + sub) & 1 : entry & 1;

	if (m->extended && (here ? bitmap >> 32 & bitmap : bitmap & UINT32_MAX))
		return WHAT_BAD;
	if ((zero && !m->v3) || (here && (entry & OFFSET_MASK) % m->cluster != 0))
		return WHAT_BAD;
	if (zero)
		return WHAT_ZERO;
	if (!here || (m->extended && !(bitmap >> sub & 1)))
		return WHAT_BACKING;
	return WHAT_HERE;
}

static enum shown read_here(const struct image *m, uint64_t entry, uint64_t guest,
			    uint8_t *buf, size_t n, uint64_t *place)
{
	uint64_t host = (entry & OFFSET_MASK) + guest % m->cluster;

	if (m->external)
		return host == guest ? show(m->data_fd, host, buf, n) : NOT_READABLE;
	if ((entry & OFFSET_MASK) >= m->file_size)
		return NOT_READABLE;
	if (m->encrypted) {
		*place = *place * 31 + host;
		return read_at(m->fd, host, buf, n) ? BYTES : NOT_READABLE;
	}
	return show(m->fd, host, buf, n);
}

/* Within one step. */
static enum shown read_piece(struct disk *d, uint64_t off, uint8_t *buf, size_t n,
			     uint64_t *place)
{
	const struct image *m = d->image;
	uint64_t entry, bitmap;

	if (m->raw)
		return show(m->fd, off, buf, n);
	if (!load_l2(d, off, &entry, &bitmap))
		return NOT_READABLE;
	if (entry & COMPRESSED) {
		if (m->external || !unpack(d, entry))
			return NOT_READABLE;
		memcpy(buf, d->unpacked + off % m->cluster, n);
		return kind_of(buf, n);
	}
	switch (what_is(m, entry, bitmap, (unsigned)(off % m->cluster / disk_step(d)))) {
	case WHAT_ZERO:
		return ZEROS;
	case WHAT_BACKING:
		return m->backing ? disk_read(m->backing, off, buf, n, place) : ZEROS;
	case WHAT_HERE:
		return read_here(m, entry, off, buf, n, place);
	case WHAT_BAD:
		break;
	}
	return NOT_READABLE;
}

enum shown disk_read(struct disk *d, uint64_t off, uint8_t *buf, size_t n,
		     uint64_t *place)
{
	uint64_t step = disk_step(d), end = u64_min(off + n, d->size);
	enum shown all = ZEROS;

	for (uint64_t at = off; at < end;) {
		size_t len = (size_t)u64_min(step - at % step, end - at);
		enum shown s = read_piece(d, at, buf + (at - off), len, place);

		if (s == NOT_READABLE)
			return s;
		if (s == ZEROS)
			memset(buf + (at - off), 0, len);
		all = s > all ? s : all;
		at += len;
	}
	end = end > off ? end - off : 0;
	if (end < n)
		memset(buf + end, 0, n - end);
	return all;
}
