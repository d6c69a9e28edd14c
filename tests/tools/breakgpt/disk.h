/* The disk that breakgpt is at, as it was when it was whole.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_BREAKGPT_DISK_H
#define TESTS_TOOLS_BREAKGPT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { ENTRY = 128, HEADER = 92, SECTOR0 = 512, EBRS_MAX = 32, WITNESSES_MAX = 64 };

/* One copy of the table. */
struct copy {
	const char *name;
	uint64_t header, array; /* where, in bytes */
};

/* What says where a partition is: of a GPT the two LBAs, of a DOS label the whole entry. */
struct witness {
	uint64_t at; /* where it begins, in bytes */
	uint8_t entry[16];
	bool no_content; /* an extended one */
};

struct disk {
	int fd;
	uint64_t size, ss, sectors;
	uint64_t random;
	uint64_t array_bytes, used; /* entries up to the last in use */
	uint64_t first;             /* LBA where the first partition begins */
	struct copy primary, backup;
	/* A DOS label instead: where its extended boot records are. */
	bool dos;
	uint64_t ebr[EBRS_MAX];
	unsigned nebr;
	/* as they were */
	uint8_t *primary_bytes, *backup_bytes; /* header, then array */
	struct witness witness[WITNESSES_MAX];
	unsigned nwitness;
	struct {
		char p[512];
		size_t n;
	} said;
};

_Noreturn void die(const char *what);

uint64_t draw(struct disk *d, uint64_t below);
/* Number, from 0, of an entry that was in use. */
uint64_t pick_entry(struct disk *d);
bool chance(struct disk *d, uint64_t one_in);
void say(struct disk *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void get(const struct disk *d, uint64_t off, void *p, size_t n);
/* Past the end (a break may have cut the disk): nothing is written. */
void put(const struct disk *d, uint64_t off, const void *p, size_t n);
void put32(const struct disk *d, uint64_t off, uint64_t v);
void put64(const struct disk *d, uint64_t off, uint64_t v);
uint64_t get32(const struct disk *d, uint64_t off);
uint64_t get64(const struct disk *d, uint64_t off);
void zero(const struct disk *d, uint64_t off, uint64_t n);
void scribble(struct disk *d, uint64_t off, uint64_t n);

struct stat size_now(const struct disk *d);

/* witness.c. Before the damage, and after it: partitions of which nothing says where they are. */
void look_witnesses(struct disk *d);
unsigned without_witness(const struct disk *d);

/* Both checksums of a copy, as its header describes it now. */
void reseal(const struct disk *d, const struct copy *c);

/* What can be done to it: one function for each kind. bytes.c: blind ones. */
void break_flip(struct disk *d);
void break_bytes(struct disk *d);
void break_zeros(struct disk *d);
void break_noise(struct disk *d);
void break_text(struct disk *d);
void break_swap(struct disk *d);
void break_copy(struct disk *d);
void break_old(struct disk *d);
void break_cut(struct disk *d);
/* tables.c: those that somebody has sealed. */
void break_my_lba(struct disk *d);
void break_alternate(struct disk *d);
void break_usable(struct disk *d);
void break_range(struct disk *d);
void break_guid(struct disk *d);
void break_entries_lba(struct disk *d);
void break_count(struct disk *d);
void break_header_size(struct disk *d);
void break_revision(struct disk *d);
void break_grown(struct disk *d);
void break_moved(struct disk *d);
void break_gone(struct disk *d);
/* sector0.c */
void break_signature(struct disk *d);
void break_no_entry(struct disk *d);
void break_protective(struct disk *d);
void break_hybrid(struct disk *d);
void break_dos_entry(struct disk *d);
void break_ebr(struct disk *d);

#endif
