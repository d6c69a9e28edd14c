/* What is no image, in a file that has the name of one. RFC 1952 (gzip), RFC 8878 (zstd), the
 * .xz file format, APPNOTE (zip), POSIX pax (ustar); Git LFS, docs/spec.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/stray.h"
#include "analyze/format.h"
#include "analyze/image/container.h"
#include "analyze/image/image.h"
#include "analyze/unit.h"

#define ZLIB_CONST
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/banned.h"

enum {
	PEEK = 4 << 10,      /* bytes of what is packed: ext's magic is at 1080 */
	WINDOW_LOG_MAX = 23, /* of zstd: 8 MiB of memory */
	PAGE_LOOK = 512,     /* an XML document's root begins in there */
	POINTER_MAX = 1024,
};

/* ---- archives ---- */

struct archive {
	const char *what, *unpack;
	size_t off;
	const char *bytes;
	size_t n;
	size_t (*peek)(struct view in, uint8_t *out, size_t n);
};

static size_t peek_gzip(struct view in, uint8_t *out, size_t n)
{
	z_stream z = { .next_in = in.p, .next_out = out };

	z.avail_in = (uInt)in.n;
	z.avail_out = (uInt)n;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return 0;
	(void)inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return n - z.avail_out;
}

static size_t peek_zstd(struct view in, uint8_t *out, size_t n)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer from = { in.p, in.n, 0 };
	ZSTD_outBuffer to = { out, n, 0 };
	size_t left = 1, at;

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax,
						      WINDOW_LOG_MAX))) {
		ZSTD_freeDCtx(z);
		return 0;
	}
	do {
		at = from.pos + to.pos;
		left = ZSTD_decompressStream(z, &to, &from);
	} while (!ZSTD_isError(left) && left && to.pos < n && from.pos + to.pos > at);
	ZSTD_freeDCtx(z);
	return to.pos;
}

#define ARCHIVE(what, unpack, off, bytes, peek)                                          \
	{                                                                                \
		what, unpack, off, bytes, sizeof(bytes) - 1, peek                        \
	}

static const struct archive archives[] = {
	ARCHIVE("gzip data", "gunzip", 0, "\x1f\x8b\x08", peek_gzip),
	ARCHIVE("zstd data", "unzstd", 0, "\x28\xb5\x2f\xfd", peek_zstd),
	ARCHIVE("xz data", "unxz", 0, "\xfd\x37zXZ\0", NULL),
	ARCHIVE("bzip2 data", "bunzip2", 4, "1AY&SY", NULL),
	ARCHIVE("lz4 data", "unlz4", 0, "\x04\x22\x4d\x18", NULL),
	ARCHIVE("a zip archive", "unzip", 0, "PK\3\4", NULL),
	ARCHIVE("a 7-Zip archive", "7z x", 0, "7z\xbc\xaf\x27\x1c", NULL),
	ARCHIVE("a RAR archive", "unrar x", 0, "Rar!\x1a\x07", NULL),
	ARCHIVE("a tar archive", "tar -xf", 257, "ustar", NULL),
};

static const struct archive *archive_of(struct view head)
{
	for (size_t i = 0; i < sizeof(archives) / sizeof(archives[0]); i++) {
		const struct archive *x = &archives[i];

		if (view_eq(head, x->off, x->bytes, x->n))
			return x;
	}
	return NULL;
}

/* What is packed begins like a disk. */
static bool holds_disk(const struct archive *x, struct view head)
{
	uint8_t bytes[PEEK];
	struct view v = { bytes, 0 };
	size_t off, len;

	if (!x->peek)
		return false;
	v.n = x->peek(head, bytes, sizeof(bytes));
	return container_of_head(v).format || view_eq(v, 510, "\x55\xaa", 2) ||
	       view_eq(v, 512, "EFI PART", 8) || filesystem_of(v, &off, &len);
}

/* ---- pages and pointers ---- */

static bool begins_with(struct view v, size_t at, const char *word)
{
	size_t n = strlen(word);

	return view_has(v, at, n) && strncasecmp((const char *)v.p + at, word, n) == 0;
}

static const char *page_of(struct view head, size_t *at)
{
	struct str text = str_view(view_cut(head, 0, (size_t)u64_min(head.n, PAGE_LOOK)));

	*at = view_eq(head, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
	while (*at < text.n && strchr(" \t\r\n", text.p[*at]))
		++*at;
	if (begins_with(head, *at, "<!doctype html") || begins_with(head, *at, "<html"))
		return "an HTML page";
	/* What object stores answer. */
	if (begins_with(head, *at, "<?xml") &&
	    (str_has(text, "<Error>") || str_has(text, "<html")))
		return "an XML error page";
	return NULL;
}

static bool is_pointer(struct view head)
{
	static const char begin[] = "version https://git-lfs.github.com/spec/v1\n";

	return head.n <= POINTER_MAX && view_eq(head, 0, begin, sizeof(begin) - 1) &&
	       str_has(str_view(head), "\noid sha256:");
}

bool stray_find(struct view head, struct stray *out)
{
	const struct archive *x = archive_of(head);
	size_t at;

	*out = (struct stray){ 0 };
	if (x) {
		out->kind = STRAY_ARCHIVE;
		out->what = x->what;
		out->unpack = x->unpack;
		out->at = (struct span){ .off = x->off, .len = x->n };
	} else if (is_pointer(head)) {
		out->kind = STRAY_LFS;
		out->what = "a pointer of Git LFS";
		out->at.len = head.n;
	} else {
		out->kind = STRAY_PAGE;
		out->what = page_of(head, &at);
		out->at = (struct span){ .off = at, .len = 5 };
	}
	return out->what != NULL;
}

/* ---- as a format ---- */

static bool has_end(const char *path, const char *const *ends, size_t n)
{
	size_t have = strlen(path);

	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(ends[i]);

		if (have > k && path[have - k - 1] != '/' &&
		    strcasecmp(path + have - k, ends[i]) == 0)
			return true;
	}
	return false;
}

/* Too short for an ISO, or zeros where UDF and ISO 9660 say that they are there. */
static bool is_no_iso(struct view head, const struct source *s)
{
	static const char *const iso[] = { ".iso" };

	return has_end(s->path, iso, 1) &&
	       (s->size < STRAY_ISO_MIN ||
		(view_has(head, 0, STRAY_ISO_MIN) && view_is_zero(head)));
}

/* .img, .raw and .vhd are also initial RAM disks, photographs and VHDL: of these only what
 * is certainly a disk, packed, and a page under .img. */
static bool misnamed_probe(struct view head, const struct source *s)
{
	static const char *const sure[] = { ".qcow2", ".qcow", ".qed", ".vmdk",
					    ".vdi",   ".vhdx", ".iso" };
	static const char *const maybe[] = { ".img", ".raw", ".vhd" };
	struct stray x;

	if (!s->path)
		return false;
	if (!stray_find(head, &x))
		return is_no_iso(head, s);
	if (has_end(s->path, sure, sizeof(sure) / sizeof(sure[0])))
		return true;
	if (x.kind == STRAY_ARCHIVE)
		return has_end(s->path, maybe, sizeof(maybe) / sizeof(maybe[0])) &&
		       holds_disk(archive_of(head), head);
	return x.kind == STRAY_PAGE && has_end(s->path, maybe, 1);
}

void stray_read(struct unit *u)
{
	struct stray *x = arena_new(&u->arena, struct stray);

	if (!stray_find(u->head, x))
		return;
	x->at.src = &u->src;
	u->stray = x;
}

static void no_iso_read(struct unit *u)
{
	struct stray *x = arena_new(&u->arena, struct stray);

	*x = (struct stray){ .kind = STRAY_NO_ISO, .at = { .src = &u->src } };
	if (u->src.size >= STRAY_ISO_MIN)
		x->at = (struct span){ &u->src, STRAY_ISO_FIRST, 16 };
	u->stray = x;
}

static int misnamed_read(struct unit *u, struct err *e)
{
	(void)e;
	stray_read(u);
	if (!u->stray)
		no_iso_read(u);
	if (u->stray && u->stray->kind == STRAY_LFS)
		u->skip_reason = "a pointer of Git LFS: the image itself is not here "
				 "(`git lfs pull`)";
	return 0;
}

const struct format format_misnamed = {
	.name = "misnamed",
	.title = "something else, with the name of a disk image",
	.kind = FORMAT_IMAGE,
	.probe = misnamed_probe,
	.read = misnamed_read,
};
