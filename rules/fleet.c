/* What two VMs of a run want, and only one can have: analyze/fleet.h. Each rule speaks once, in
 * the first of the inputs that are in each other's way.
 * QEMU's locks: block/file-posix.c; docs/interop/qcow2.txt.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "base/banned.h"

/* ---- who is in the way ---- */

typedef bool in_the_way(const struct claim *c, const struct rival *r);

struct clash {
	const struct rival *first; /* NULL: nobody is in the way */
	size_t n;
};

/* None where an earlier one has said so already. */
static struct clash clash_of(const struct claim *c, in_the_way *fn)
{
	struct clash found = { 0 };

	for (size_t i = 0; i < c->nrivals; i++) {
		const struct rival *r = &c->rivals[i];

		if (!fn(c, r))
			continue;
		if (r->before)
			return (struct clash){ 0 };
		if (!found.first)
			found.first = r;
		found.n++;
	}
	return found;
}

static bool differ(const struct claim *c, const struct rival *r)
{
	return claimants_differ(c->by, r->by, c->kind);
}

static bool begins_with(const char *name, const char *with)
{
	size_t n = strlen(with);

	return n > 0 && strncmp(name, with, n) == 0 && name[n] && strchr("-_. ", name[n]);
}

/* Up to the first that parts words; all of it: there is none. */
static size_t first_word(const char *name)
{
	return strcspn(name, "-_. ");
}

/* "win11" and "win11-install" may be one machine, that is started in two ways; of scripts
 * "win11-install" and "win11-run" as well. */
static bool sound_alike(const struct claim *c, const struct rival *r)
{
	const char *a = c->by->shown, *b = r->by->shown;
	size_t n = first_word(a);

	if (begins_with(a, b) || begins_with(b, a))
		return true;
	return c->by->flavour == FLAVOUR_QEMU && r->by->flavour == FLAVOUR_QEMU &&
	       !c->by->starts && n > 0 && n == first_word(b) && strncmp(a, b, n) == 0;
}

/* ---- words ---- */

static const char *place_of(struct scan *s, const struct rival *r)
{
	const char *path = shown(s, str_of(r->src->path));

	if (!r->line)
		return path;
	return scan_printf(s, "%s:%llu", path, (unsigned long long)r->line);
}

static const char *more(struct scan *s, const struct clash *x)
{
	return x->n > 1 ? scan_printf(s, " and %zu more", x->n - 1) : "";
}

enum { RELATED_MAX = 8 };

static void relate(struct scan *s, struct finding *f, const struct claim *c,
		   in_the_way *fn, const char *does)
{
	for (size_t i = 0; i < c->nrivals && f->related.n < RELATED_MAX; i++) {
		const struct rival *r = &c->rivals[i];

		if (fn(c, r))
			report_rival(s, f, r, "'%s' %s", r->by->shown, does);
	}
}

/* ---- fleet-two-writers ---- */

static bool both_write(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_DISK && r->kind == CLAIM_DISK &&
	       (c->flags & r->flags & CLAIM_WRITES) && differ(c, r);
}

static const char *what_happens(const struct claim *c, bool locked)
{
	if (c->flags & CLAIM_VARIABLES)
		return "nobody locks it: each VM writes its boot entries over the other's";
	if (locked)
		return "QEMU lets only one of them run: Failed to get \"write\" lock";
	return "locks are off: both can run at once, and destroy what is on it";
}

static void check_two_writers(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, both_write);
	struct finding *f;
	bool locked;

	if (!x.first)
		return;
	locked = !((c->flags | x.first->flags) & CLAIM_UNLOCKED);
	f = report(s, c->at, "'%s' writes to '%s', and so does '%s' (%s)%s", c->by->shown,
		   shown(s, c->what), x.first->by->shown, place_of(s, x.first),
		   more(s, &x));
	report_label(s, f, "%s", what_happens(c, locked));
	relate(s, f, c, both_write, "writes to it, too");
	/* Variables are made anew from their template. */
	if (locked || (c->flags & CLAIM_VARIABLES))
		report_lower(f);
	if (locked && sound_alike(c, x.first))
		report_lower(f);
}

/* ---- fleet-reader-and-writer ---- */

static bool reads_what_is_written(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_DISK && r->kind == CLAIM_DISK &&
	       (c->flags & CLAIM_WRITES) && (r->flags & CLAIM_READS) && differ(c, r);
}

static void check_reader(struct scan *s, const struct claim *c)
{
	const struct rival *first = NULL;
	struct clash x = { 0 };
	struct finding *f;
	bool locked;

	for (size_t i = 0; i < c->nrivals; i++) {
		const struct rival *r = &c->rivals[i];

		if (both_write(c, r) && r->before)
			return;
		if (!reads_what_is_written(c, r))
			continue;
		first = first ? first : r;
		x.n++;
	}
	if (!first)
		return;
	locked = !((c->flags | first->flags) & CLAIM_UNLOCKED);
	f = report(s, c->at, "'%s' writes to '%s', and '%s' (%s)%s reads it",
		   c->by->shown, shown(s, c->what), first->by->shown, place_of(s, first),
		   more(s, &x));
	report_label(
		s, f,
		locked ? "QEMU lets only one of them run: Failed to get \"write\" lock"
		       : "locks are off: the reader sees halves of changes");
	relate(s, f, c, reads_what_is_written, "reads it");
	if (sound_alike(c, first))
		report_lower(f);
}

/* ---- fleet-base-written ---- */

static bool lies_on(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_DISK && (c->flags & CLAIM_WRITES) &&
	       r->kind == CLAIM_BASE && (!r->by->is_vm || differ(c, r));
}

/* A VM's overlay says more than the same one as an image. */
static const struct rival *best_overlay(const struct claim *c)
{
	const struct rival *best = NULL;

	for (size_t i = 0; i < c->nrivals; i++) {
		const struct rival *r = &c->rivals[i];

		if (lies_on(c, r) && (!best || (r->by->is_vm && !best->by->is_vm)))
			best = r;
	}
	return best;
}

/* The overlay is a disk of the same VM: media-base-beside-overlay has that. */
static bool has_overlay_itself(const struct claim *c, const struct rival *overlay)
{
	return overlay->by->input == c->by->input && overlay->by->is_vm;
}

static void check_base(struct scan *s, const struct claim *c)
{
	const struct rival *r = best_overlay(c);
	const char *of;
	struct finding *f;

	if (!r || has_overlay_itself(c, r))
		return;
	of = r->by->is_vm ? scan_printf(s, "an overlay of '%s' (%s)", r->by->shown,
					place_of(s, r))
			  : scan_printf(s, "the overlay '%s'", place_of(s, r));
	f = report(s, c->at, "%s%s%swrites to '%s', which %s lies on",
		   c->by->named ? "'" : "", c->by->named ? c->by->shown : "this VM ",
		   c->by->named ? "' " : "", shown(s, c->what), of);
	report_label(s, f,
		     "what the overlay takes from it is not what it was: its disk is "
		     "damaged, and no error says so");
	if (r->by->is_vm)
		report_rival(s, f, r, "'%s' has the overlay", r->by->shown);
	else
		report_rival(s, f, r, "the overlay");
	/* A script may have been for once. */
	if (c->by->flavour == FLAVOUR_QEMU && !c->by->starts)
		report_lower(f);
}

/* ---- fleet-build-overwrites ---- */

static bool is_made_anew(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_DISK && (c->flags & CLAIM_WRITES) &&
	       r->kind == CLAIM_OUTPUT;
}

static void check_output(struct scan *s, const struct claim *c)
{
	struct finding *f;

	/* A script mostly tries what was built. */
	if (c->by->flavour == FLAVOUR_QEMU || c->by->flavour == FLAVOUR_PACKER)
		return;
	for (size_t i = 0; i < c->nrivals; i++) {
		const struct rival *r = &c->rivals[i];

		if (!is_made_anew(c, r))
			continue;
		f = report(s, c->at,
			   "'%s' writes to '%s', which is the output of a build (%s)",
			   c->by->shown, shown(s, c->what), place_of(s, r));
		report_label(s, f,
			     "`packer build -force` deletes it, with all that the VM "
			     "wrote there");
		report_rival(s, f, r, "the build's output_directory");
		return;
	}
}

/* ---- fleet-same-uuid, fleet-same-mac ---- */

static bool has_the_uuid(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_UUID && differ(c, r);
}

static void check_uuid(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, has_the_uuid);
	struct finding *f;

	if (!x.first)
		return;
	f = report(s, c->at, "'%s' and '%s' (%s)%s have one UUID", c->by->shown,
		   x.first->by->shown, place_of(s, x.first), more(s, &x));
	report_label(s, f,
		     "libvirt refuses the second: domain '%s' already exists with "
		     "uuid ...",
		     c->by->shown);
	relate(s, f, c, has_the_uuid, "has it, too");
}

static bool has_the_mac(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_MAC && differ(c, r);
}

static void check_mac(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, has_the_mac);
	struct finding *f;

	if (!x.first)
		return;
	f = report(s, c->at, "'%s' and '%s' (%s)%s have one MAC address on one network",
		   c->by->shown, x.first->by->shown, place_of(s, x.first), more(s, &x));
	report_label(s, f, "while both run, each gets some of the other's packets");
	relate(s, f, c, has_the_mac, "has it, too");
}

/* ---- fleet-same-port, fleet-same-pci ---- */

static bool has_the_port(const struct claim *c, const struct rival *r)
{
	if (c->kind != CLAIM_PORT || !differ(c, r))
		return false;
	return ((c->flags | r->flags) & CLAIM_ANY_ADDRESS) ||
	       (c->detail.hi == r->detail.hi && c->detail.lo == r->detail.lo);
}

static void check_port(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, has_the_port);
	struct finding *f;

	if (!x.first)
		return;
	f = report(s, c->at, "'%s' and '%s' (%s)%s listen at one port of the host, '%s'",
		   c->by->shown, x.first->by->shown, place_of(s, x.first), more(s, &x),
		   shown(s, c->what));
	report_label(s, f,
		     "while one of them runs the other does not start: Address "
		     "already in use");
	relate(s, f, c, has_the_port, "listens there, too");
	if (!c->by->starts || !x.first->by->starts)
		report_lower(f);
}

static bool has_the_device(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_PCI && c->by->starts && r->by->starts && differ(c, r);
}

static void check_pci(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, has_the_device);
	struct finding *f;

	if (!x.first)
		return;
	f = report(s, c->at,
		   "'%s' and '%s' (%s)%s start with the host, and both take its '%s'",
		   c->by->shown, x.first->by->shown, place_of(s, x.first), more(s, &x),
		   shown(s, c->what));
	report_label(s, f, "the second one does not start: Device or resource busy");
	relate(s, f, c, has_the_device, "takes it, too");
}

/* ---- fleet-medium-missing ---- */

static bool misses_it(const struct claim *c, const struct rival *r)
{
	return c->kind == CLAIM_MISSING && r->kind == CLAIM_MISSING &&
	       c->detail.hi == r->detail.hi && c->detail.lo == r->detail.lo &&
	       r->by->input != c->by->input;
}

static void check_missing(struct scan *s, const struct claim *c)
{
	struct clash x = clash_of(c, misses_it);
	bool present = false;
	struct finding *f;

	for (size_t i = 0; i < c->nrivals; i++)
		present = present || c->rivals[i].kind == CLAIM_PRESENT;
	if (!x.first || !present)
		return;
	f = report(
		s, c->at,
		"'%s' is not there, while other files of its folder are; %s%s name%s it, "
		"too",
		shown(s, c->what), place_of(s, x.first), more(s, &x), x.n > 1 ? "" : "s");
	report_label(s, f,
		     "QEMU and libvirt do not start a VM without its medium: No such "
		     "file or directory");
	for (size_t i = 0; i < c->nrivals && f->related.n < RELATED_MAX; i++) {
		if (misses_it(c, &c->rivals[i]))
			report_rival(s, f, &c->rivals[i], "names it, too");
	}
}

const struct rule rules_fleet[] = {
	{ .id = "fleet-base-written",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM writes to an image that an overlay lies on",
	  .why = "An overlay holds what differs from its base, and takes all else from "
		 "it. A base that changes changes the overlay's disk beneath its file "
		 "systems. QEMU's locks stop that only while both run; one after the "
		 "other nobody says a word.",
	  .steps =
		  "Give the VM an overlay of its own (qemu-img create -f qcow2 -b BASE -F "
		  "FORMAT NEW), or make the base read-only in its config. When it did "
		  "run, take the overlay for damaged: check its file systems.",
	  .source = "QEMU, docs/interop/qcow2.txt, backing files; qemu-img(1), commit",
	  .since = "0.1.0",
	  CHECK(claim, check_base) },
	{ .id = "fleet-build-overwrites",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM writes to what a Packer build makes anew",
	  .why = "A build begins with an empty output_directory: with -force it deletes "
		 "the one that is there, and the disk of the VM in it.",
	  .steps = "Let the VM have a copy, or an overlay, outside of output_directory.",
	  .source =
		  "packer(1), build -force; packer-plugin-qemu, step_prepare_output_dir.go",
	  .since = "0.1.0",
	  CHECK(claim, check_output) },
	{ .id = "fleet-medium-missing",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "several VMs have a medium that is not there",
	  .why = "An installation medium was moved, renamed or deleted, and the VMs that it "
		 "was for still have it in their drives. It is said where other files of "
		 "the folder are there, so that this is where they are kept.",
	  .steps =
		  "Get it again, name the one that is there, or empty the drives (libvirt: "
		  "startupPolicy='optional' starts without it).",
	  .source = "libvirt, formatdomain, startupPolicy; QEMU, Could not open",
	  .since = "0.1.0",
	  CHECK(claim, check_missing) },
	{ .id = "fleet-reader-and-writer",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM reads an image that another VM writes to",
	  .why = "QEMU's locks let only one of them run. Where locks are off, the reader "
		 "sees a disk that changes beneath what it has read already.",
	  .steps =
		  "Give the reader a copy. Where both are meant to have the disk, with a "
		  "file system for that on it: <shareable/>, share-rw=on, in both.",
	  .source = "QEMU, block/file-posix.c, raw_check_lock_bytes()",
	  .since = "0.1.0",
	  CHECK(claim, check_reader) },
	{ .id = "fleet-same-mac",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "two VMs have one MAC address on one network",
	  .why = "A bridge sends what is for the address where it saw it last: both lose "
		 "packets, at random, and get one lease from DHCP. It comes with a config "
		 "that was copied.",
	  .steps = "Another address for one of them; without one, libvirt, Incus and UTM "
		   "make one up.",
	  .source = "IEEE 802.1Q, 8.7 the learning process; libvirt, formatdomain",
	  .since = "0.1.0",
	  CHECK(claim, check_mac) },
	{ .id = "fleet-same-pci",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two VMs that start with the host take one device of it",
	  .why = "A device belongs to one VM at a time. Which of the two starts is chance.",
	  .steps = "Let only one of them start by itself, or give the other one another "
		   "device.",
	  .source = "Linux, Documentation/driver-api/vfio.rst; incus, boot.autostart",
	  .since = "0.1.0",
	  CHECK(claim, check_pci) },
	{ .id = "fleet-same-port",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "two VMs listen at one port of the host",
	  .why = "While one of them runs, the other one does not start, or its screen or "
		 "forwarded port is not there.",
	  .steps =
		  "Another port for one of them; libvirt: port='-1' autoport='yes', QEMU: "
		  "-vnc :0,to=99.",
	  .source = "bind(2), EADDRINUSE; libvirt, formatdomain, graphics",
	  .since = "0.1.0",
	  CHECK(claim, check_port) },
	{ .id = "fleet-same-uuid",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "two libvirt domains have one UUID",
	  .why = "libvirt knows a domain by its UUID, and refuses to define another one "
		 "with it. It comes with a config that was copied.",
	  .steps = "Remove <uuid> from one of them: libvirt makes one up.",
	  .source = "libvirt, conf/virdomainobjlist.c, virDomainObjListAddLocked()",
	  .since = "0.1.0",
	  CHECK(claim, check_uuid) },
	{ .id = "fleet-two-writers",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two VMs write to one image",
	  .why = "A file system that two machines write to at once is lost. QEMU's locks "
		 "let only one of them run; where locks are off, as with Incus or on a "
		 "share without them, nothing does. A firmware's file of variables is never "
		 "locked.",
	  .steps = "An image for each VM: a copy, or an overlay for each on a base that "
		   "nobody writes to. Where both are meant to have the disk, with a file "
		   "system for that on it: <shareable/>, share-rw=on, in both.",
	  .source = "QEMU, block/file-posix.c; kubevirt/kubevirt#6906",
	  .since = "0.1.0",
	  CHECK(claim, check_two_writers) },
};
RULES_END(fleet);
