/* Exclusion towards QEMU, libvirt and ourselves while an image is repaired. The locks are
 * QEMU's own (analyze/host.h), taken on the descriptor that was analysed and that will be
 * written, and are gone when it is closed.
 * What only Linux has is in lock_linux.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_LOCK_H
#define REWRITE_LOCK_H

#include "analyze/host.h"
#include "analyze/source.h"
#include "base/err.h"

/* Locks an image for writing: takes 100, 101, 103, 200, 201, 202 and 203 as QEMU would,
 * then tests that nobody uses what we do not share or refuses to share what we use. Also
 * refuses an image under a loop device, one that another process has open for writing
 * without a lock, and one whose path or size changed since it was opened. Asks the machine
 * as it is now, not as it was when the program started.
 * ERR_BUSY names the user as far as it can be known. ERR_REFUSED when no lock can be had
 * here, or none that other hosts would see, and force is false. */
int lock_image(const struct source *src, bool force, struct err *e)
	__attribute__((warn_unused_result));

/* Locks an undo journal of ours against other vmends, without waiting: ERR_BUSY. Where
 * there are no locks it succeeds: the image's locks are what counts. */
int lock_journal(int fd, struct err *e) __attribute__((warn_unused_result));

#endif
