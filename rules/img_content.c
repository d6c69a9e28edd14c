/* Rules on what a file is that is said to be a disk image: no image at all, or one that other
 * programs take for something else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/signs.h"
#include "analyze/image/stray.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- img-compressed-archive, img-is-html ---- */

static void check_archive(struct scan *s, const struct unit *u)
{
	struct finding *f;

	if (!u->stray || u->stray->kind != STRAY_ARCHIVE)
		return;
	f = report(s, u->stray->at, "the file is %s, and no disk image yet",
		   u->stray->what);
	report_label(s, f, "`%s` unpacks it", u->stray->unpack);
}

static void check_page(struct scan *s, const struct unit *u)
{
	struct finding *f;

	if (!u->stray || u->stray->kind != STRAY_PAGE)
		return;
	f = report(s, u->stray->at, "the file is %s, and no disk image", u->stray->what);
	report_label(s, f, "what a server sent instead");
}

/* ---- img-is-no-iso ---- */

static void check_no_iso(struct scan *s, const struct unit *u)
{
	uint64_t size = u->src.size;
	struct finding *f;

	if (!u->stray || u->stray->kind != STRAY_NO_ISO)
		return;
	if (size == 0)
		f = report(s, u->stray->at, "the file is empty, and no ISO image");
	else if (size < STRAY_ISO_MIN)
		f = report(s, u->stray->at,
			   "the file has %llu bytes, and an ISO image at least %u",
			   LLU(size), (unsigned)STRAY_ISO_MIN);
	else
		f = report(
			s, u->stray->at,
			"the first %zu bytes are zeros, also where an ISO image has its "
			"first descriptor",
			u->head.n);
	report_label(s, f, "a download that has failed, or has not come so far");
}

/* ---- img-raw-looks-qcow2, img-format-polyglot ---- */

static bool is_qcow(const char *format)
{
	return strcmp(format, "qcow2") == 0 || strcmp(format, "qcow") == 0;
}

static void check_raw(struct scan *s, const struct unit *u)
{
	const struct signs *x = u->signs;
	struct finding *f;

	if (!x)
		return;
	for (size_t i = 0; !u->qcow2 && i < x->n; i++) {
		if (!is_qcow(x->v[i].format))
			continue;
		f = report(s, x->v[i].at,
			   "the raw disk begins with the header of a file of format %s",
			   x->v[i].format);
		report_label(s, f, "who opens it without saying raw follows that header");
	}
	if (!u->qcow2 || !x->disk.len)
		return;
	f = report(
		s, (struct span){ .src = &u->src, .len = 4 },
		"the file begins with the header of a QCOW2, and has the GPT of a disk of "
		"its own length, %llu bytes",
		LLU(u->src.size));
	report_label(s, f, "raw, or a QCOW2: its reader decides");
	report_related(s, f, x->disk, "the GPT");
}

static void check_polyglot(struct scan *s, const struct unit *u)
{
	const struct signs *x = u->signs;

	for (size_t i = 0; x && i < x->n; i++) {
		const char *format = x->v[i].format;
		struct finding *f;

		/* Those have a rule of their own. */
		if (u->qcow2 ? x->disk.len != 0 : is_qcow(format))
			continue;
		f = report(s, x->v[i].at, "%s has the signature of another format: %s",
			   u->qcow2 ? "the QCOW2" : "the raw disk", format);
		report_label(s, f, "some programs take the file for that");
	}
}

const struct rule rules_img_content[] = {
	{ .id = "img-compressed-archive",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an archive with the name of a disk image",
	  .why = "QEMU does not unpack anything: as raw, the guest sees the packed bytes as its "
		 "disk, and nothing starts from them.",
	  .steps =
		  "Unpack it. A file whose name says neither is judged when what is packed is "
		  "certainly a disk.",
	  .source = "RFC 1952, RFC 8878; QEMU, block/raw-format.c takes any bytes",
	  .since = "0.1.0",
	  CHECK(unit, check_archive) },
	{ .id = "img-format-polyglot",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an image that is of two formats",
	  .why = "Which one it is depends on who looks: one program checks a harmless image, and "
		 "the next one opens another that names files of the host. No tool writes "
		 "such images by itself.",
	  .steps =
		  "Do not use an image from elsewhere that does this. If it is your own, "
		  "`qemu-img convert -f FORMAT` writes one that is of one format.",
	  .source =
		  "OpenStack, oslo.utils format_inspector (CVE-2024-32498, CVE-2024-40767)",
	  .since = "0.1.0",
	  CHECK(unit, check_polyglot) },
	{ .id = "img-is-html",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a web page with the name of a disk image",
	  .why = "A download went wrong, and the server's answer was saved under the image's "
		 "name.",
	  .steps = "Open the file in an editor: it says what the server had against it. "
		   "Download the image again, and compare its checksum.",
	  .source = "curl(1), --fail",
	  .since = "0.1.0",
	  CHECK(unit, check_page) },
	{ .id = "img-is-no-iso",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a file with the name of an ISO image, and nothing in it",
	  .why = "It was made room for before a download (torrents, aria2, fallocate), or the "
		 "download failed at once. Nothing starts from it, and nothing can be mounted.",
	  .steps = "Let the download go on, or start it again, and compare its checksum.",
	  .source =
		  "ECMA-119, 6.2.1: descriptors are from sector 16 on; OSTA UDF 2.60, 2.1.7",
	  .since = "0.1.0",
	  CHECK(unit, check_no_iso) },
	{ .id = "img-raw-looks-qcow2",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a raw disk that begins with the header of a QCOW2",
	  .why = "A guest that writes such a header to its raw disk waits for somebody to open "
		 "it without a format: the header can name any file of the host as its "
		 "backing file.",
	  .steps =
		  "Open it as raw only: `format=raw` of QEMU, `-f raw` of qemu-img, and in "
		  "libvirt `<driver type='raw'>`. Ask who wrote the first sector.",
	  .source = "CVE-2008-2004, CVE-2015-5163; QEMU, block.c, bdrv_probe_all()",
	  .since = "0.1.0",
	  CHECK(unit, check_raw) },
};

RULES_END(img_content);
