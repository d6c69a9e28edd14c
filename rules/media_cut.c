/* A medium of which the end is missing. Where it is an input of its own, iso-truncated has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/medium.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- media-iso-cut ---- */

static void check_cut(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!vm_runs_qemu(d->vm) || !m || m->judged || !medium_is(m, "iso9660") ||
	    m->missing == 0)
		return;
	f = report(s, d->source.at,
		   "'%s' has %llu bytes, and the volume in it %llu: the end is missing",
		   shown(s, d->source.v), (unsigned long long)m->file.size,
		   (unsigned long long)(m->file.size + m->missing));
	report_label(s, f, "it often starts, and the installation fails where it ends");
}

const struct rule rules_media_cut[] = {
	{ .id = "media-iso-cut",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an ISO image whose end is missing",
	  .why = "A download that has not ended. The boot files stand at its begin, so that "
		 "it starts; packages and images behind the end cannot be read.",
	  .steps = "Let the download go on (curl -C - -O URL), and compare its checksum.",
	  .source = "ECMA-119, 8.4.8; dmacvicar/terraform-provider-libvirt#1197",
	  .since = "0.1.0",
	  CHECK(disk, check_cut) },
};
RULES_END(media_cut);
