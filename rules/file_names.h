/* What the name of a file says that stands in an image, before anybody looks for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_FILE_NAMES_H
#define RULES_FILE_NAMES_H

#include "base/str.h"

/* As QEMU does: what is in front of a ':' that comes before any '/'. n 0: it is a path. */
struct str name_protocol(struct str name);

/* In the folders where a system has its secrets and its processes, and no disk is. */
bool name_is_of_the_system(struct str name);

#endif
