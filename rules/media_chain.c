/* What an image stands on, against the config that has it opened: the files below an overlay
 * and beside it. What is wrong with the image alone is said of the image (qcow2_backing.c);
 * here it is what becomes of the VM.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/container.h"
#include "rules/file_names.h"
#include "rules/media_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* The config itself says what is below the image, and QEMU does not ask that. */
static bool names_chain(const struct disk *d)
{
	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		return node_child(d->node, "backingStore") != NULL;
	if (!says_qemu(d->vm) || d->node->kind != NODE_MAP)
		return false;
	for_each_node (n, d->node) {
		if (str_starts(n->key, "backing") || node_is_open(n))
			return true;
	}
	return false;
}

/* "'disk.img'", or "'base.img' below 'disk.img'": who names the i-th file of the chain. */
static const char *who_names(struct scan *s, const struct disk *d, size_t i)
{
	const char *image = shown(s, image_name(d)->v);

	if (i == 0)
		return scan_printf(s, "'%s'", image);
	return scan_printf(s, "'%s' below '%s'", shown(s, d->medium->chain[i - 1].name),
			   image);
}

static void relate(struct scan *s, struct finding *f, const struct medium *m, size_t i)
{
	if (i == 0 && m->backing_at.len)
		report_related(s, f, m->backing_at, "the name in the image");
}

/* ---- media-backing-missing ---- */

static bool is_gone(const struct medium_link *l)
{
	return l->state == BACKING_MISSING || l->state == BACKING_SPECIAL;
}

static void say_gone(struct scan *s, const struct disk *d, const char *who,
		     const char *what, const struct medium_link *l)
{
	struct finding *f = report(s, image_name(d)->at, "%s %s '%s', which is %s", who,
				   what, shown(s, l->name),
				   l->state == BACKING_MISSING
					   ? "not there"
					   : "neither a regular file nor a block device");

	report_label(s, f, "%s: Could not open it; looked for at %s", it_fails(d),
		     shown(s, str_of(l->path)));
	if (l == &d->medium->data_file && d->medium->data_file_at.len)
		report_related(s, f, d->medium->data_file_at, "the name in the image");
	else if (l == d->medium->chain)
		relate(s, f, d->medium, 0);
}

/* What the image says of the file below it is a finding of its own, if it is an input. */
static bool is_said_of(const struct medium *m, size_t link)
{
	return link == 0 && m->judged;
}

static void check_gone(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;

	if (!opens_qcow2(d))
		return;
	for (size_t i = 0; i < m->nchain && !names_chain(d); i++) {
		if (is_gone(&m->chain[i]) && !is_said_of(m, i))
			say_gone(s, d, who_names(s, d, i), "stands on", &m->chain[i]);
	}
	/* Another one QEMU looks for in its own working folder. */
	if (m->has_data_file && is_gone(&m->data_file) && !m->judged &&
	    str_starts(m->data_file.name, "/"))
		say_gone(s, d, who_names(s, d, 0), "keeps its data in", &m->data_file);
}

/* ---- media-backing-format ---- */

static void say_format(struct scan *s, const struct disk *d, struct finding *f,
		       const char *declared)
{
	if (strcmp(declared, "raw") == 0)
		report_label(
			s, f,
			"the guest sees that file's header and tables where its disk "
			"should be");
	else
		report_label(s, f, "%s: Image is not in %s format", it_fails(d),
			     declared);
}

/* By its first bytes. */
static const char *what_it_is(struct scan *s, const char *found)
{
	if (strcmp(found, "raw") == 0)
		return scan_printf(s, "it does not begin like one");
	return scan_printf(s, "it is a %s image", found);
}

static void check_declared(struct scan *s, const struct disk *d)
{
	const struct medium *base = d->backing_medium;
	struct finding *f;
	const char *word;

	if (!base || base->is_stray || !fact_known(&d->backing_format) ||
	    medium_is(base, "iso9660"))
		return;
	word = shown(s, d->backing_format.v);
	if (!container_contradicts(word, base->format))
		return;
	f = report(s, d->backing_format.at, "'%s' is declared as %s, and %s",
		   shown(s, d->backing.v), word, what_it_is(s, base->format));
	say_format(s, d, f, word);
	if (base->format_at.len)
		report_related(s, f, base->format_at, "its signature");
}

static void check_format(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;

	if (!opens_qcow2(d))
		return;
	check_declared(s, d);
	for (size_t i = 0; i < m->nchain && !names_chain(d); i++) {
		const struct medium_link *l = &m->chain[i];
		const char *word = shown(s, l->declared);
		struct finding *f;

		if (!l->format || l->declared.n == 0 || is_said_of(m, i) ||
		    !container_contradicts(word, l->format))
			continue;
		f = report(s, image_name(d)->at, "%s says that '%s' is %s, and %s",
			   who_names(s, d, i), shown(s, l->name), word,
			   what_it_is(s, l->format));
		say_format(s, d, f, word);
		relate(s, f, m, i);
	}
}

static bool fix_format(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct medium *base = d->backing_medium;

	if (f->at.off != d->backing_format.at.off || !base)
		return plan_refuse(p, "it is in the image: qemu-img rebase -u -b BASE -F "
				      "FORMAT IMAGE writes another one there");
	if (strcmp(base->format, "raw") == 0 && base->table_at.len == 0 &&
	    !base->filesystem)
		return plan_refuse(p, "nothing in the file shows that it is a disk");
	if (base->has_backing || base->has_data_file)
		return plan_refuse(p, "it names other files, which would be opened then: "
				      "look at them first (vmend inspect)");
	plan_title(p, "type='%s'", base->format);
	return plan_set(p, &d->backing_format, base->format);
}

/* ---- media-backing-loop ---- */

static void check_loop(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!opens_qcow2(d) || names_chain(d))
		return;
	for (size_t i = 0; i < m->nchain; i++) {
		if (m->chain[i].state != BACKING_LOOP || m->judged)
			continue;
		f = report(s, image_name(d)->at, "%s stands on '%s', which is %s",
			   who_names(s, d, i), shown(s, m->chain[i].name),
			   i ? "above it already" : "the image itself");
		report_label(
			s, f, "%s",
			d->vm->flavour == FLAVOUR_LIBVIRT
				? "the VM does not start: self-referential or too "
				  "deeply nested"
				: "QEMU cannot lock a file that it has open already, "
				  "or goes round without end: the VM does not start");
		relate(s, f, m, i);
	}
}

/* ---- media-backing-no-format ---- */

/* Where that is not there, there is something else to say. */
static bool has_next(const struct medium *m, size_t i)
{
	return i + 1 < m->nchain && m->chain[i + 1].opened;
}

static void check_no_format(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (d->vm->flavour != FLAVOUR_LIBVIRT || !opens_qcow2(d) || names_chain(d))
		return;
	for (size_t i = 0; i < m->nchain; i++) {
		const struct medium_link *l = &m->chain[i];

		if (l->declared.n || !l->names_files || !has_next(m, i))
			continue;
		f = report(s, image_name(d)->at,
			   "%s does not say of which format '%s' is, and that stands on "
			   "another file itself",
			   who_names(s, d, i), shown(s, l->name));
		report_label(s, f,
			     "libvirt does not start the VM: format of backing image was "
			     "not specified in the image metadata");
		relate(s, f, m, i);
	}
}

/* ---- media-chain-cut ---- */

/* <backingStore/>, backing= and "backing": null say that there is nothing below. */
static const struct node *end_of_chain(const struct disk *d)
{
	bool xml = d->vm->flavour == FLAVOUR_LIBVIRT;
	const struct node *n;

	if (!xml && (!says_qemu(d->vm) || d->node->kind != NODE_MAP))
		return NULL;
	n = node_child(d->node, xml ? "backingStore" : "backing");
	if (!n || (!xml && n->kind != NODE_SCALAR))
		return NULL;
	if (!xml)
		return n->type == SCALAR_NULL || n->text.n == 0 ? n : NULL;
	for_each_node (c, n) {
		if (node_is_content(c))
			return NULL;
	}
	return n;
}

static void check_cut(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	const struct node *end = end_of_chain(d);
	struct finding *f;

	if (!end || !opens_qcow2(d) || m->nchain == 0 || !m->chain[0].opened)
		return;
	f = report(s, end->whole,
		   "%s says that '%s' stands on nothing, and it stands on '%s'",
		   d->vm->flavour == FLAVOUR_LIBVIRT ? "<backingStore/>" : "backing",
		   shown(s, d->source.v), shown(s, m->chain[0].name));
	report_label(s, f,
		     "the guest sees zeros wherever the base has the data: it does not "
		     "boot, and what it writes makes the image worse");
	relate(s, f, m, 0);
}

static bool fix_cut(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct node *end = end_of_chain(d);

	(void)f;
	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		plan_title(p, "remove <backingStore/>: libvirt finds the base by itself");
	else
		plan_title(p, "remove backing: QEMU finds the base by itself");
	return end && plan_remove_node(p, end);
}

/* ---- media-chain-other ---- */

static bool same_file(const struct source *file, const struct medium_link *l)
{
	return file->st.st_dev == l->dev && file->st.st_ino == l->ino;
}

static void check_other(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium, *base = d->backing_medium;
	struct finding *f;

	if (!base || !opens_qcow2(d) || m->nchain == 0 || !m->chain[0].opened ||
	    same_file(&base->file, &m->chain[0]))
		return;
	f = report(s, d->backing.at, "'%s' is to stand on '%s', and was made on '%s'",
		   shown(s, d->source.v), shown(s, d->backing.v),
		   shown(s, m->chain[0].name));
	report_label(s, f,
		     "the guest's disk is put together from two that do not belong to "
		     "each other, unless they are copies");
	relate(s, f, m, 0);
}

static bool fix_other(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct node *n;

	(void)f;
	if (d->vm->flavour != FLAVOUR_LIBVIRT)
		return plan_refuse(p, "remove the options that begin with backing, or "
				      "qemu-img rebase -u -b BASE -F FORMAT IMAGE");
	n = node_child(d->node, "backingStore");
	plan_title(p, "remove <backingStore>: libvirt finds the base by itself");
	return n && plan_remove_node(p, n);
}

/* ---- media-data-file-relative ---- */

static void check_data_file(struct scan *s, const struct disk *d)
{
	struct version v = target_version(s, "libvirt");
	const struct medium *m = d->medium;
	struct finding *f;

	if (d->vm->flavour != FLAVOUR_LIBVIRT || !opens_qcow2(d) || !m->has_data_file ||
	    m->data_file.name.n == 0 || str_starts(m->data_file.name, "/") ||
	    name_protocol(m->data_file.name).n)
		return;
	if (v.known && version_cmp(&v, 10, 10, 0) >= 0)
		return;
	f = report(s, image_name(d)->at,
		   "'%s' keeps its data in '%s', and libvirt before 10.10 does not look "
		   "for that beside the image: expected an absolute name",
		   shown(s, d->source.v), shown(s, m->data_file.name));
	report_label(s, f,
		     "QEMU looks for it in its own working folder: Could not open '%s'",
		     shown(s, m->data_file.name));
	report_related(s, f, m->data_file_at, "the name in the image");
	if (!v.known)
		report_lower(f);
}

/* ---- media-opens-host-file ---- */

static bool is_far(struct str name)
{
	return name_is_of_the_system(name) || name_protocol(name).n;
}

static void say_far(struct scan *s, const struct disk *d, struct str name, bool data)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (name_is_of_the_system(name))
		f = report(s, image_name(d)->at,
			   "%s opens the host's '%s', which '%s' names as its %s file",
			   d->vm->builder ? "the build" : "the VM", shown(s, name),
			   shown(s, image_name(d)->v), data ? "data" : "backing");
	else
		f = report(s, image_name(d)->at,
			   "%s follows '%s', which '%s' names as its %s file",
			   d->vm->builder ? "the build" : "the VM", shown(s, name),
			   shown(s, image_name(d)->v), data ? "data" : "backing");
	report_label(s, f, "%s",
		     d->vm->builder ? "qemu-img copies what is in it into the new disk"
		     : data         ? "the guest reads and writes it"
				    : "the guest reads it wherever its own disk is "
				      "empty");
	report_related(s, f, data ? m->data_file_at : m->backing_at,
		       "the name in the image");
	/* A server of one's own is a way to keep bases. */
	if (!name_is_of_the_system(name))
		report_lower(f);
}

static void check_far(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;

	if (!opens_qcow2(d))
		return;
	if (m->nchain && m->backing_at.len && !names_chain(d) && is_far(m->chain[0].name))
		say_far(s, d, m->chain[0].name, false);
	if (m->has_data_file && m->data_file_at.len && is_far(m->data_file.name))
		say_far(s, d, m->data_file.name, true);
}

#define SEEN "seen with QEMU 7.2"

const struct rule rules_media_chain[] = {
	{ .id = "media-backing-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a VM whose disk stands on a file of another format than is said",
	  .why = "QEMU goes by what is declared, in the config or in the image. As raw, a "
		 "QCOW2 below an overlay shows the guest its header and tables; as "
		 "QCOW2, a raw file is not opened at all.",
	  .steps = "In the image: qemu-img rebase -u -b BASE -F FORMAT IMAGE. If a guest "
		   "could write to the base as a raw disk, raw is right, whatever it "
		   "looks like.",
	  .source = "QEMU, block.c, bdrv_open_backing_file(); libvirt's kbase, "
		    "backing_chains; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_format, fix_format) },
	{ .id = "media-backing-loop",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM whose disk stands on itself",
	  .why = "A chain of backing files that goes in a circle has no end: libvirt "
		 "refuses it, and QEMU stops at its own lock, or never.",
	  .steps = "Find the file that was meant: qemu-img rebase -u -b BASE -F FORMAT "
		   "IMAGE. Often a file was renamed over the one below it.",
	  .source = "QEMU, block.c, bdrv_open_inherit(); libvirt, storage_source.c",
	  .since = "0.1.0",
	  CHECK(disk, check_loop) },
	{ .id = "media-backing-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM whose disk stands on a file that is not there",
	  .why = "An overlay has only what was written to it. Without the file below it, "
		 "or the one that its data is in, QEMU does not open it.",
	  .steps = "Bring the file back to where it was; or, when it has another place "
		   "now: qemu-img rebase -u -b BASE -F FORMAT IMAGE.",
	  .source = "QEMU, block.c, bdrv_open_backing_file(); " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_gone) },
	{ .id = "media-backing-no-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a chain whose formats libvirt does not guess",
	  .why = "Where an image does not record the format of the file below it, libvirt "
		 "looks into that, but believes it only when it needs no further file: "
		 "a guest may have written such a header to a raw disk.",
	  .steps = "If nobody wrote to the base as a raw disk: vmend fix IMAGE, or "
		   "qemu-img rebase -u -b BASE -F qcow2 IMAGE.",
	  .source = "libvirt's kbase, backing_chains; seen with libvirt 9.0",
	  .since = "0.1.0",
	  CHECK(disk, check_no_format) },
	{ .id = "media-chain-cut",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a backing chain that ends in the config and goes on in the image",
	  .why = "<backingStore/> without content, backing= and \"backing\": null are the "
		 "end of the chain. QEMU opens the overlay without its base: the guest's "
		 "disk is mostly zeros, and what it writes makes that worse.",
	  .steps = "Remove it, or name the base there, with its format.",
	  .source = "libvirt formatdomain, backingStore; QEMU, block.c, "
		    "bdrv_open_inherit(); " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_cut, fix_cut) },
	{ .id = "media-chain-other",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "an image on another base than the one that it was made on",
	  .why = "What the config says of the chain counts, and not what is in the image. "
		 "An overlay has whole clusters of what was changed: over another base "
		 "the rest is of another disk.",
	  .steps = "Remove it from the config; or, if the base was only moved, write its "
		   "new name into the image: qemu-img rebase -u -b BASE -F FORMAT IMAGE.",
	  .source = "libvirt formatdomain, backingStore; QEMU, block.c, "
		    "bdrv_open_backing_file()",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_other, fix_other) },
	{ .id = "media-data-file-relative",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a data file that libvirt does not find",
	  .why = "libvirt before 10.10 knows nothing of external data files: QEMU opens "
		 "them by the name that is in the image, from its own working folder, "
		 "which is /.",
	  .steps =
		  "qemu-img amend -f qcow2 -o data_file=/ABSOLUTE/NAME IMAGE, or libvirt "
		  "10.10 (vmend check --target libvirt=10.10.0).",
	  .source =
		  "QEMU, block/qcow2.c, qcow2_do_open(); libvirt 10.10 news, dataStore; "
		  "seen with libvirt 9.0",
	  .since = "0.1.0",
	  CHECK(disk, check_data_file) },
	{ .id = "media-opens-host-file",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a VM that opens a file of the host's system through its image",
	  .why = "QEMU opens every file that an image names, as whoever runs it. What a "
		 "host keeps in /etc, /proc and /sys, or an address, is then the guest's "
		 "to read, or is copied into a new disk.",
	  .steps =
		  "Do not start the VM. If the image is yours, make one of it that names "
		  "no file: qemu-img convert -f qcow2, after a look at what it names "
		  "(vmend inspect).",
	  .source = "CVE-2015-5163, CVE-2024-32498, CVE-2024-4467; " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_far) },
};
RULES_END(media_chain);
