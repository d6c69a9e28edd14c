/* Writes JSON (RFC 8259). Commas are its own business; names and nesting are the caller's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "base/str.h"

struct json {
	struct buf *out;
	bool comma; /* the next value has one in front of it */
};

/* key: NULL inside an array, and for the outermost value. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
/* Any bytes: what is no UTF-8 becomes U+FFFD. */
void json_str(struct json *j, const char *key, struct str s);
void json_cstr(struct json *j, const char *key, const char *s); /* NULL: null */
void json_base64(struct json *j, const char *key, struct view bytes);
void json_u64(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_seconds(struct json *j, const char *key, double v); /* to the millisecond */
/* Values that were written elsewhere, with commas between them; may be empty. */
void json_raw(struct json *j, struct str values);
/* A line break for the eye, where blanks are allowed. */
void json_line(struct json *j);

#endif
