/* Compressed clusters of a QCOW2: raw deflate with a window of 12 bits, or zstd frames.
 * docs/interop/qcow2.txt of QEMU, "Compressed Clusters Descriptor"; block/qcow2-threads.c.
 *
 * A stream has no length, only sectors that it lies in: what follows it there is nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/guest.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "base/banned.h"

enum { COMPRESSION_ZLIB, COMPRESSION_ZSTD, WINDOW_BITS = 12 };

/* Like QEMU: a stream that goes on when the cluster is full is none of our business. */
static bool inflate_zlib(struct view in, uint8_t *out, size_t n)
{
	z_stream z = { .next_in = in.p, .next_out = out };
	int got;

	z.avail_in = (uInt)in.n;
	z.avail_out = (uInt)n;
	if (inflateInit2(&z, -WINDOW_BITS) != Z_OK)
		return false;
	got = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (got == Z_STREAM_END || got == Z_BUF_ERROR) && z.avail_out == 0;
}

/* One frame or more. Each at once into its place: so no window is needed, whatever size a
 * frame asks for. */
static bool inflate_zstd(struct view in, uint8_t *out, size_t n)
{
	size_t at = 0, done = 0;

	while (done < n) {
		size_t len = ZSTD_findFrameCompressedSize(in.p + at, in.n - at), got;

		if (ZSTD_isError(len) || len == 0)
			return false;
		got = ZSTD_decompress(out + done, n - done, in.p + at, len);
		if (ZSTD_isError(got))
			return false;
		at += len;
		done += got;
	}
	return true;
}

bool guest_unpack(unsigned type, struct view in, uint8_t *out, size_t n)
{
	return type == COMPRESSION_ZLIB ? inflate_zlib(in, out, n)
					: inflate_zstd(in, out, n);
}

static bool grow(uint8_t **p, size_t *have, size_t need, struct arena *a)
{
	if (*have >= need)
		return true;
	*p = arena_try(a, need, 1);
	*have = *p ? need : 0;
	return *p != NULL;
}

static int unpack(struct guest_packed *p, const struct guest_run *r, unsigned type,
		  size_t n, struct err *e)
{
	/* The last stream of a file is seldom as long as its sectors. */
	size_t len = (size_t)u64_min(r->host_len, r->src->size - r->host);
	struct view in = { p->in, len };

	if (source_read(r->src, r->host, p->in, len, e) != 0)
		return -1;
	if (guest_unpack(type, in, p->out, n))
		return 0;
	return err_set(
		e, ERR_UNREADABLE,
		"the guest's disk cannot be read at 0x%llx: the compressed cluster at "
		"0x%llx of the file does not inflate",
		(unsigned long long)r->off, (unsigned long long)r->host);
}

int guest_inflate(struct guest_packed *p, const struct guest_run *r, unsigned type,
		  size_t cluster_size, struct arena *a, const uint8_t **out,
		  struct err *e)
{
	if (p->src == r->src && p->host == r->host) {
		*out = p->out;
		return 0;
	}
	p->src = NULL;
	if (cluster_size > p->left)
		return err_set(e, ERR_LIMIT,
			       "more than %d MiB of compressed clusters would have to be "
			       "inflated",
			       GUEST_INFLATE_MAX >> 20);
	p->left -= cluster_size;
	if (!grow(&p->in, &p->in_size, (size_t)r->host_len, a) ||
	    !grow(&p->out, &p->out_size, cluster_size, a))
		return err_set(e, ERR_LIMIT,
			       "a compressed cluster needs more memory than is allowed");
	if (unpack(p, r, type, cluster_size, e) != 0)
		return -1;
	p->src = r->src;
	p->host = r->host;
	*out = p->out;
	return 0;
}
