/* Opens a file below a folder, and never one anywhere else: for names that a file gives.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_BENEATH_H
#define ANALYZE_BENEATH_H

#include <sys/stat.h>

/* A regular file or a block device, for reading. root: a folder that the user named, so that
 * links on the way to it count; rel: below it, with links that stay there. On success a
 * descriptor. Else -1, and *why is an errno: EXDEV when the name leads out, ELOOP when it does
 * so by a link, EINVAL when it is neither of these kinds of file, which is then not opened. */
int beneath_open(const char *root, const char *rel, struct stat *st, int *why);

/* Which file that is, of any kind, without opening it for reading where the system has a way
 * to. 0, or -1 with *why as above. */
int beneath_look(const char *root, const char *rel, struct stat *st, int *why);

/* beneath_open() by POSIX alone, one component after the other: it follows no link at all, and
 * goes up nowhere. For systems that cannot ask their kernel to stay below. */
int beneath_walk(int root, const char *rel, struct stat *st, int *why);

#endif
