/* Text for XML and its kin.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MARKUP_H
#define CLI_MARKUP_H

#include "base/str.h"

/* Any bytes, as text or attribute value of XML 1.0: what it does not allow becomes U+FFFD,
 * what it would read as its own is escaped. */
void buf_markup(struct buf *out, struct str s);

#endif
