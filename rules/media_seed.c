/* What cloud-init is told at the first start: an ISO image with the right label and the right
 * files in its root. cloud-init, sources/DataSourceNoCloud.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/medium.h"
#include "rules/rules.h"
#include "base/banned.h"

enum {
	/* Installers have such files as well, and are told of them in another way. */
	SEED_MAX = 16 << 20,
};

static const char *const wanted[] = { "user-data", "meta-data" };

enum { NWANTED = sizeof(wanted) / sizeof(wanted[0]) };

static bool has_file(const struct medium_iso *iso, const char *name)
{
	for (size_t i = 0; i < iso->nroot; i++) {
		if (str_is(iso->root[i], name))
			return true;
	}
	return false;
}

static bool is_label(struct str label)
{
	return str_is(label, "cidata") || str_is(label, "CIDATA");
}

/* Small, it boots nothing, and all that is in its root is known. */
static const struct medium_iso *seed_of(const struct disk *d)
{
	const struct medium *m = d->medium;

	if (!vm_runs_qemu(d->vm) || !m || !m->iso || m->iso->catalog || !m->iso->all ||
	    m->file.size > SEED_MAX || fact_is(&d->device, "floppy"))
		return NULL;
	return m->iso;
}

/* ---- media-seed-label ---- */

static void check_label(struct scan *s, const struct disk *d)
{
	const struct medium_iso *iso = seed_of(d);
	struct finding *f;

	if (!iso || is_label(iso->label))
		return;
	for (size_t i = 0; i < NWANTED; i++) {
		if (!has_file(iso, wanted[i]))
			return;
	}
	f = report(
		s, d->source.at,
		"'%s' has user-data and meta-data, and the label '%s', expected cidata",
		shown(s, d->source.v), shown(s, iso->label));
	report_label(s, f,
		     "cloud-init passes over it: no user, no key, no network as it says");
	report_related(s, f, iso->label_at, "the label");
}

/* ---- media-seed-files ---- */

/* "user-data" as ISO 9660 has to call it. */
static bool is_cut_name(struct str name)
{
	return str_is(name, "USER_DAT") || str_is(name, "META_DAT") ||
	       str_is(name, "USER_DATA") || str_is(name, "META_DATA");
}

static bool has_cut_names(const struct medium_iso *iso)
{
	for (size_t i = 0; i < iso->nroot; i++) {
		if (is_cut_name(iso->root[i]))
			return true;
	}
	return false;
}

static void check_files(struct scan *s, const struct disk *d)
{
	const struct medium_iso *iso = seed_of(d);
	const char *missing = NULL;
	struct finding *f;

	if (!iso || !is_label(iso->label))
		return;
	for (size_t i = 0; i < NWANTED; i++) {
		if (!has_file(iso, wanted[i]))
			missing = missing  ? "neither user-data nor meta-data"
				  : i == 0 ? "no user-data"
					   : "no meta-data";
	}
	if (!missing)
		return;
	f = report(s, d->source.at, "'%s' has the label '%s', and %s in its root%s",
		   shown(s, d->source.v), shown(s, iso->label), missing,
		   iso->plain && has_cut_names(iso)
			   ? ": its names are those of ISO 9660 alone, expected Rock "
			     "Ridge or Joliet"
			   : "");
	report_label(s, f, "cloud-init wants both files, and takes nothing from it");
	report_related(s, f, iso->label_at, "the label");
}

#define NOCLOUD "cloud-init, sources/DataSourceNoCloud.py"

const struct rule rules_media_seed[] = {
	{ .id = "media-seed-files",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a seed for cloud-init without user-data or meta-data",
	  .why = "cloud-init reads the medium that is called cidata only when both files "
		 "are in its root; an empty one will do. Without them it goes on as if "
		 "there was none, and the VM comes up without its user.",
	  .steps = "genisoimage -output seed.iso -volid cidata -joliet -rock user-data "
		   "meta-data, or cloud-localds seed.iso user-data meta-data.",
	  .source = NOCLOUD,
	  .since = "0.1.0",
	  CHECK(disk, check_files) },
	{ .id = "media-seed-label",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a seed for cloud-init that is not called cidata",
	  .why = "cloud-init finds the medium by the label of its file system: cidata or "
		 "CIDATA, unless the image's own settings name another one (fs_label).",
	  .steps =
		  "Make it anew with the label: genisoimage -volid cidata, xorriso -volid "
		  "cidata, cloud-localds.",
	  .source = NOCLOUD "; canonical/cloud-init#3437",
	  .since = "0.1.0",
	  CHECK(disk, check_label) },
};
RULES_END(media_seed);
