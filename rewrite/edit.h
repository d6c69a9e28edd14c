/* What a fix wants changed: a plan of edits to one source. In memory only; the part of
 * rewrite/ that rules may see.
 *
 * Edits are byte ranges of the source as it was analysed. They never overlap: an edit
 * that would is refused, and its fix waits for the next round.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_EDIT_H
#define REWRITE_EDIT_H

#include "analyze/model.h"
#include "analyze/source.h"
#include "base/arena.h"
#include "base/vec.h"

struct finding;
struct node;
struct qemu_command;
struct qemu_option;
struct word;

/* Images are written in this order, with an fsync after each: what is pointed to first,
 * the pointer to it next, what makes readers look at all last. */
enum stage {
	STAGE_TABLES,  /* entry arrays, new clusters */
	STAGE_HEADERS, /* what points at them */
	STAGE_COMMIT,  /* what makes the rest valid: protective MBR, image header */
	/* What nothing points to any more is given free, and a mark that something is wrong
	 * is taken off. 3 is taken: docs of the journal. */
	STAGE_FREE = 4,
};

enum { PLAN_ZERO_MAX = 4 << 20 };

struct edit {
	struct span at;    /* what goes; len 0 inserts (text only) */
	struct view bytes; /* what comes. Images: as long as `at`, or past the end */
	enum stage stage;
	const struct finding *because;
};

/* A run of bytes that goes to a higher place as it is. */
struct move {
	uint64_t from, to, len; /* bytes; from < to */
	const struct finding *because;
};

struct plan {
	struct arena *arena;
	const struct source *src;
	const struct finding *because; /* whose fix is being planned */
	VEC(struct edit) edits;        /* in the order they were added */
	uint64_t end;                  /* no edit reaches further */
	VEC(struct move) moves;        /* likewise; no two write to one place */
	uint64_t size;                 /* of the image when done; only ever grows */
	struct view text;    /* of a config, once an edit by meaning needed it */
	const char *title;   /* the fix in words, of the last plan_title() */
	const char *refused; /* why the fix declined, of the last plan_refuse() */
};

struct plan plan_on(const struct source *src, struct arena *a);

/* All of these return false when the edit is not possible: it overlaps an earlier one
 * (other than with identical bytes), or lies outside. Bytes are copied. */
bool plan_bytes(struct plan *p, enum stage stage, uint64_t off, struct view bytes)
	__attribute__((warn_unused_result));
/* At most PLAN_ZERO_MAX bytes. */
bool plan_zero(struct plan *p, enum stage stage, uint64_t off, uint64_t len)
	__attribute__((warn_unused_result));
bool plan_le16(struct plan *p, enum stage stage, struct span at, uint16_t v)
	__attribute__((warn_unused_result));
bool plan_le32(struct plan *p, enum stage stage, struct span at, uint32_t v)
	__attribute__((warn_unused_result));
bool plan_le64(struct plan *p, enum stage stage, struct span at, uint64_t v)
	__attribute__((warn_unused_result));
bool plan_be32(struct plan *p, enum stage stage, struct span at, uint32_t v)
	__attribute__((warn_unused_result));
bool plan_be64(struct plan *p, enum stage stage, struct span at, uint64_t v)
	__attribute__((warn_unused_result));
bool plan_u8(struct plan *p, enum stage stage, struct span at, uint8_t v)
	__attribute__((warn_unused_result));
/* Images: bytes [to, to + len) of the result are those that the source now has at `from`;
 * what else the plan changes is laid over them. Done before any edit is written, and what
 * is left behind at the source stays there. Upwards only (from < to), and within the size
 * that the plan has by then; one repair moves once: false on a source that moves already. */
bool plan_move(struct plan *p, uint64_t from, uint64_t to, uint64_t len)
	__attribute__((warn_unused_result));
/* The image must be at least this long. */
void plan_grow(struct plan *p, uint64_t size);

/* Text, exact bytes. */
bool plan_replace(struct plan *p, struct span at, struct str text)
	__attribute__((warn_unused_result));

/* Text, by meaning: the fact's lens and the file's own style (quotes, indentation, line
 * ends) decide on the bytes. plan_set creates what is missing on the way. False also when
 * the flavour has no word for the field, or the value is an expression (FACT_UNKNOWN). */
bool plan_set(struct plan *p, const struct fact *f, const char *value)
	__attribute__((warn_unused_result));
bool plan_remove(struct plan *p, const struct fact *f)
	__attribute__((warn_unused_result));
/* A whole node: an attribute with the blank before it, an element with its line if it
 * stands alone on it. */
bool plan_remove_node(struct plan *p, const struct node *n)
	__attribute__((warn_unused_result));
/* A member gets another name, which is a word; its value stays as it is. */
bool plan_rename(struct plan *p, const struct node *n, const char *name)
	__attribute__((warn_unused_result));

/* [from, to) of a word's text becomes `text`, written as the word's quotes want it. */
bool plan_word(struct plan *p, const struct word *w, size_t from, size_t to,
	       struct str text) __attribute__((warn_unused_result));
/* Another option of a command line, before o or behind it, written as o is; value: NULL
 * for none. And o with its value taken away. */
bool plan_add_option(struct plan *p, const struct qemu_command *c,
		     const struct qemu_option *o, bool behind, const char *name,
		     const char *value) __attribute__((warn_unused_result));
bool plan_remove_option(struct plan *p, const struct qemu_command *c,
			const struct qemu_option *o) __attribute__((warn_unused_result));

void plan_title(struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* `return plan_refuse(p, "...")`: the fix declines, and says why. Returns false. p: NULL where
 * only the answer is asked for. */
bool plan_refuse(struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
#ifdef __clang_analyzer__ /* see base/err.h */
#define plan_refuse(...) ((void)plan_refuse(__VA_ARGS__), false)
#endif

/* Where a plan stands, and back to there: drops what was added since (a fix that declined
 * half-way). */
struct plan_mark {
	size_t edits, moves;
	uint64_t size;
};
struct plan_mark plan_mark(const struct plan *p);
void plan_cut(struct plan *p, struct plan_mark to);

/* Two plans for an image as one: `then` was made on an overlay of `first`. A byte that
 * both write has the value of the later one, and is written no earlier than either
 * wanted. What `then` moves takes the edits of `first` along. Edits are sorted by offset,
 * on first's source; memory is a's. */
struct plan plan_over(const struct plan *first, const struct plan *then, struct arena *a);

/* The plan as a patch for source_overlay(), or as the new text. Memory is a's. */
struct patch plan_patch(const struct plan *p, struct arena *a);
struct view plan_text(const struct plan *p, struct view text, struct arena *a);

#endif
