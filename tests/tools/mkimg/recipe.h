/* The parts of mkimg: what a recipe describes, and who does what with it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_MKIMG_RECIPE_H
#define TESTS_TOOLS_MKIMG_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORDS_MAX = 48, PARTS_MAX = 1024, LOGICAL_MAX = 200 };

struct extent {
	bool used;
	uint64_t start, sectors, ebr;
	uint64_t attr;
	uint8_t type[16], guid[16]; /* of a GPT entry */
	uint8_t mbr_type, boot;
	uint8_t name[72];
};

/* The GPT that is described, then built; where it was built is what places mean. */
struct gpt_plan {
	bool wanted, built;
	uint64_t sectors, first, last, nentries, entry_size;
	uint64_t array_sectors;
	uint8_t guid[16];
};

/* The FAT that files go to. */
struct fat_plan {
	uint64_t table, table_size, root, data;
	bool is16;
	uint32_t next, end; /* cluster that is free, and behind the last */
};

/* Names of what do_iso() has written, and where that is. */
enum { ISO_PLACES = 64 };

struct iso_places {
	struct {
		char name[24];
		uint64_t off;
	} v[ISO_PLACES];
	unsigned n;
};

struct qcow2_image;

struct recipe {
	const char *path, *out;
	unsigned line;
	char *word[WORDS_MAX];
	int nwords;

	int fd;
	struct qcow2_image *q; /* NULL: the image is raw */
	struct iso_places iso;
	uint64_t size;
	uint32_t ss;
	uint64_t gpt_ss; /* of the gpt that places refer to */
	struct fat_plan fat;
	uint64_t variables; /* where the next one goes */
	bool dirty;         /* something is described and not built */

	bool no_mbr;
	struct extent entry[4], protective;
	unsigned protective_slot;
	struct extent logical[LOGICAL_MAX];
	unsigned nlogical;
	bool has_signature;
	uint32_t signature;
	bool has_code;
	uint8_t code[440];
	struct gpt_plan gpt;
	struct extent part[PARTS_MAX];
};

/* ---- words.c: errors, words, numbers, GUIDs; every complaint ends the program ---- */

_Noreturn void die(const struct recipe *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Splits a line into r->word, in place. */
void split(struct recipe *r, char *s);
/* The i-th word, which must be there: "size needs a number". */
const char *need(const struct recipe *r, int i, const char *what);

/* The value of key=value among the words, or NULL. */
const char *option(const struct recipe *r, const char *key);
/* Every word from the given one on must be one of these options: a typing error must not
 * build a healthy disk. */
void only_options(const struct recipe *r, int from, const char *keys);

/* A number at s; *end is behind it and its suffix, *bytes (or NULL) says that it had one. */
uint64_t number_at(const struct recipe *r, const char *s, const char **end, bool *bytes);
uint64_t number(const struct recipe *r, const char *s);
/* Sectors: as they are, or from bytes. */
uint64_t sectors(const struct recipe *r, const char *s);
uint64_t option_number(const struct recipe *r, const char *key, uint64_t otherwise);
uint64_t option_sectors(const struct recipe *r, const char *key, uint64_t otherwise);

bool guid_of_text(const char *s, uint8_t out[16]);
/* guid=..., or else a version 4 GUID that depends on a name and a number alone. */
void option_guid(const struct recipe *r, const char *key, const char *name, uint64_t n,
		 uint8_t out[16]);
/* An alias of a partition type, or a GUID. */
void type_guid(const struct recipe *r, const char *s, uint8_t out[16]);

/* ---- build.c: bytes, MBR and GPT ---- */

void put(const struct recipe *r, uint64_t off, const void *p, size_t n);
void get(const struct recipe *r, uint64_t off, void *p, size_t n);
/* n bytes of memory, at most 64 MiB; the caller frees. */
void *zeros(const struct recipe *r, uint64_t n);

/* n bytes that look random, always the same for a seed; the caller frees. gaps: every second
 * 128 bytes are zeros, so that they can be compressed. */
uint8_t *random_bytes(const struct recipe *r, uint64_t n, uint64_t seed, bool gaps);

/* The extended entry that logical partitions go to. */
const struct extent *extended(const struct recipe *r);

uint64_t header_lba(const struct gpt_plan *g, bool backup);
uint64_t entries_lba(const struct gpt_plan *g, bool backup);

/* Writes what is described and not written yet. */
void build(struct recipe *r);

/* ---- boot.c ---- */

void do_bios(struct recipe *r);
void do_fat(struct recipe *r);
void do_file(struct recipe *r);

/* ---- iso.c ---- */

void do_iso(struct recipe *r);
void do_implant(struct recipe *r);
/* Of ".NAME" at *s, which goes behind it. */
uint64_t iso_place_of(const struct recipe *r, const char **s);

/* ---- nvram.c ---- */

void do_variables(struct recipe *r);
void do_bootentry(struct recipe *r);

/* ---- place.c ---- */

/* The offset that a word names; *width becomes that of its field (16: a GUID; with BIG: in
 * the other byte order), or 0. */
enum { BIG = 0x100 };
uint64_t place(const struct recipe *r, const char *word, unsigned *width);
/* "[N]" at *s, which goes behind it. */
unsigned index_at(const struct recipe *r, const char **s);
/* True when *s begins with a word and the word ends there; *s goes behind it. */
bool skip_word(const char **s, const char *word);
/* The offset that the i-th word names. */
uint64_t offset(const struct recipe *r, int i);

#endif
