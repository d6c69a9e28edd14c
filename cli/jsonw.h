/* Writes JSON (RFC 8259). Commas are its own business; names and nesting are the caller's.
 * Not called json_: a program's json_object() would take the place of jansson's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_JSONW_H
#define CLI_JSONW_H

#include "base/str.h"

struct jsonw {
	struct buf *out;
	bool comma; /* the next value has one in front of it */
};

/* key: NULL inside an array, and for the outermost value. */
void jsonw_object(struct jsonw *j, const char *key);
void jsonw_object_end(struct jsonw *j);
void jsonw_array(struct jsonw *j, const char *key);
void jsonw_array_end(struct jsonw *j);
/* Any bytes: what is no UTF-8 becomes U+FFFD. */
void jsonw_str(struct jsonw *j, const char *key, struct str s);
void jsonw_cstr(struct jsonw *j, const char *key, const char *s); /* NULL: null */
void jsonw_base64(struct jsonw *j, const char *key, struct view bytes);
void jsonw_u64(struct jsonw *j, const char *key, uint64_t v);
void jsonw_bool(struct jsonw *j, const char *key, bool v);
void jsonw_null(struct jsonw *j, const char *key);
void jsonw_seconds(struct jsonw *j, const char *key, double v); /* to the millisecond */
/* Values that were written elsewhere, with commas between them; may be empty. */
void jsonw_raw(struct jsonw *j, struct str values);
/* A line break for the eye, where blanks are allowed. */
void jsonw_line(struct jsonw *j);

#endif
