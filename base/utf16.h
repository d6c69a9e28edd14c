/* UTF-16 as firmware and file systems store names: padded, not always well-formed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF16_H
#define BASE_UTF16_H

#include "base/arena.h"
#include "base/str.h"

/* UTF-8 of the 16-bit units up to the first that is 0; lone surrogates are U+FFFD. Empty
 * when a is at its end. */
struct str utf16_text(struct arena *a, struct view v, bool big_endian);

#endif
