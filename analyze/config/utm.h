/* UTM's VMs: config.plist of a bundle. https://github.com/utmapp/UTM, Configuration/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_UTM_H
#define ANALYZE_CONFIG_UTM_H

#include "analyze/config/node.h"
#include "base/version.h"

enum utm_kind {
	UTM_LEGACY, /* up to version 2 of the file, UTM 3: without Backend, always QEMU */
	UTM_QEMU,   /* version 4, Backend QEMU */
	UTM_APPLE,  /* version 4, Backend Apple: Virtualization.framework */
};

/* What rules of its own see, one per file. */
struct utm {
	enum utm_kind kind;
	const struct node *root;
	const struct vm *vm;
	struct version version; /* of UTM: --target utm=... */
};

#endif
