/* Sections of options as QEMU reads them: [drive "cd0"], then lines of name = "value".
 * QEMU: util/qemu-config.c, qemu_config_foreach(); docs/config/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_INI_H
#define ANALYZE_CONFIG_INI_H

#include "analyze/config/node.h"
#include "base/arena.h"

enum {
	INI_SIZE_MAX = 1 << 20, /* bytes of text */
	INI_LINES_MAX = 1 << 15,
	INI_LINE_MAX = 1022, /* bytes of a line; QEMU reads what is longer as two */
	INI_NAME_MAX = 63,
};

/* How QEMU, which asks scanf(), takes a line. It skips what stands behind a match. */
enum ini_line {
	INI_EMPTY, /* and comments, whose '#' is the first byte */
	INI_HEADER,
	INI_SETTING,  /* name = "value" */
	INI_BLANK,    /* blanks alone, a carriage return alone: it stops there */
	INI_UNQUOTED, /* name = value: "" is read */
	INI_OPEN,     /* name = "value without an end: the line's end is a part of it */
	INI_JOINED,   /* name="value": all of it is a name */
	INI_WORD,     /* anything else: its first word is a name, with "" */
};

/* Places in the line: [from, to) */
struct ini_place {
	size_t from, to;
};

struct ini_tokens {
	enum ini_line is;
	struct ini_place name;  /* of a setting, or a section's kind */
	struct ini_place value; /* between its quotes, or a section's id */
	struct ini_place whole; /* without blanks around it */
};

/* line: without its end; "\r" may be its last byte. */
struct ini_tokens ini_line(struct str line);

/* A line that is no empty one, no header and no setting, or that QEMU refuses otherwise. */
struct ini_flaw {
	enum ini_line is;
	struct span whole; /* of the line, without its end */
	struct str text;   /* the same */
	struct ini_tokens tokens;
};

struct ini {
	struct node *root; /* NODE_MAP of SYNTAX_INI: sections, which are maps as well */
	const struct ini_flaw *flaws;
	size_t nflaws;
	/* Why it is no text of this kind at all, and where; NULL: it is. */
	const char *why;
	struct span why_at;
};

/* A section is a map with the name of its kind, and the id is its member "id". A line whose
 * name or value is not what it looks like is NODE_OPAQUE. False: memory is gone. */
bool ini_read(struct ini *out, const struct source *src, struct view text,
	      struct arena *a) __attribute__((warn_unused_result));

#endif
