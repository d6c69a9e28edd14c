/* What the rules about a config and its images ask of a disk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_MEDIA_WORDS_H
#define RULES_MEDIA_WORDS_H

#include "analyze/medium.h"
#include "rules/boot_survey.h"
#include "rules/rule.h"

static inline bool is_disk(const struct disk *d)
{
	return fact_absent(&d->device) || fact_is(&d->device, "disk");
}

/* The guest's writes go to the file itself. */
static inline bool is_written_to(const struct disk *d)
{
	return fact_absent(&d->readonly) && fact_absent(&d->transient);
}

/* Packer makes the disk of an image, and not somebody else's plugin. */
static inline bool is_made(const struct disk *d)
{
	return d->vm->builder && !d->vm->builder->foreign && fact_known(&d->made_from);
}

/* QEMU opens the image when the VM starts, or qemu-img does when it is made. */
static inline bool is_opened(const struct disk *d)
{
	return d->medium && vm_runs_qemu(d->vm) &&
	       (is_made(d) || (fact_known(&d->source) && !fact_known(&d->made_from)));
}

/* ... and as a QCOW2, with all the files that it names. Incus has no other format than raw for
 * files of the host, or has them looked into: that depends on its version. */
static inline bool opens_qcow2(const struct disk *d)
{
	if (!is_opened(d) || !medium_is(d->medium, "qcow2"))
		return false;
	if (is_made(d))
		return true;
	if (fact_absent(&d->format))
		return d->vm->flavour != FLAVOUR_LIBVIRT &&
		       d->vm->flavour != FLAVOUR_INCUS;
	return fact_is(&d->format, "qcow2");
}

/* What comes of an image that cannot be opened. */
static inline const char *it_fails(const struct disk *d)
{
	return d->vm->builder ? "the build fails" : "QEMU exits at start";
}

#endif
