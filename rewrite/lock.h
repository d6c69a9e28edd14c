/* Exclusion towards QEMU, libvirt and ourselves while an image is repaired. The locks are
 * QEMU's own (analyze/host.h), taken on the descriptor that was analysed and that will be
 * written, and are gone when it is closed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_LOCK_H
#define REWRITE_LOCK_H

#include "analyze/host.h"
#include "analyze/source.h"
#include "base/err.h"

/* Locks an image for writing: takes 100, 101, 103, 200, 201, 202 and 203 as QEMU would,
 * then tests that nobody uses what we do not share or refuses to share what we use. Also
 * refuses an image under a loop device, or mounted. ERR_BUSY names the user as far as it
 * can be known; ERR_REFUSED when this file system cannot lock and force is false. */
int lock_image(const struct source *src, const struct host *host, bool force,
	       struct err *e) __attribute__((warn_unused_result));

#endif
