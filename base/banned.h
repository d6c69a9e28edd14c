/* Calls that nobody here needs; using one is a compile error. Always the last include.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The headers that declare them come first, so that the poison only meets our own code. */
#include <stdio.h>  /* IWYU pragma: keep */
#include <stdlib.h> /* IWYU pragma: keep */
#include <string.h> /* IWYU pragma: keep */
#include <time.h>   /* IWYU pragma: keep */

/* With clang, glibc's fortified versions of these are macros. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol asctime ctime
#pragma GCC poison system popen tmpnam mktemp

#endif
