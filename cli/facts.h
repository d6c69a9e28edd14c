/* Facts on their way out of `vmend inspect`: the same calls write the text and the JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "analyze/unit.h"
#include "cli/jsonw.h"
#include "cli/lines.h"
#include "cli/term.h"

struct iso;
struct nvram;

struct facts {
	struct buf *out;
	struct term term;
	bool json;
	struct jsonw j;
	size_t depth;              /* of groups */
	const struct lines *lines; /* places are lines and columns; NULL: offsets */
	struct arena *arena;
};

/* Keys are those of the JSON; in the text '_' is a blank. Groups nest. */
void facts_group(struct facts *f, const char *key);
void facts_group_end(struct facts *f);
void facts_list(struct facts *f, const char *key); /* of groups without a key */
void facts_list_end(struct facts *f);
/* One group of a list; title: what the text calls it. */
void facts_item(struct facts *f, const char *title);

void facts_word(struct facts *f, const char *key, const char *v); /* NULL: none */
void facts_u64(struct facts *f, const char *key, uint64_t v);
void facts_size(struct facts *f, const char *key, uint64_t bytes);
void facts_flag(struct facts *f, const char *key, bool v);
void facts_field(struct facts *f, const char *key, struct field v);
/* The same for a checksum or a set of bits. */
void facts_hex(struct facts *f, const char *key, struct field v);
void facts_fact(struct facts *f, const char *key, const struct fact *v);
/* The place of the group itself. */
void facts_place(struct facts *f, struct span at);

void facts_of_image(struct facts *f, const struct image *img);
void facts_of_iso(struct facts *f, const struct iso *iso);
/* What can it boot? Reads on: the image's source is open. */
void facts_of_boot(struct facts *f, const struct image *img);
/* Of a container: the files that it is made of, and whether its disk is seen. */
void facts_of_chain(struct facts *f, const struct unit *u);
void facts_of_qcow2(struct facts *f, const struct qcow2 *q);
/* Who has the image now. */
void facts_of_locks(struct facts *f, const struct unit *u);
/* Of a file that a config names. */
void facts_of_medium(struct facts *f, const struct medium *m);
/* The boot entries of a firmware's variables. */
void facts_of_nvram(struct facts *f, const struct nvram *n);
void facts_of_vms(struct facts *f, const struct unit *u);
void facts_of_builders(struct facts *f, const struct unit *u);

#endif
