/* The file of `vmend map --svg`: replaced as a whole, or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_FILE_H
#define CLI_MAP_FILE_H

#include "base/err.h"
#include "base/str.h"

/* ERR_USAGE when there is something that is not an SVG document: whatever it is, a picture
 * is the last thing to replace it with. */
int map_file_check(const char *path, struct err *e) __attribute__((warn_unused_result));

int map_file_write(const char *path, struct str svg, struct err *e)
	__attribute__((warn_unused_result));

#endif
