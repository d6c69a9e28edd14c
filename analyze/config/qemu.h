/* QEMU's command line: https://www.qemu.org/docs/master/system/invocation.html
 * Words in, whatever wrote them: a script, a unit; what a document of another syntax holds
 * comes through qemu_args.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_H
#define ANALYZE_CONFIG_QEMU_H

#include "analyze/config/node.h"
#include "analyze/config/word.h"

struct host;
struct ini_flaw;

struct qemu_option {
	struct str name; /* "drive", one or two dashes before it; "": an image's name */
	const struct word
		*word; /* -drive; of an image's name: that; of a section: [drive] */
	const struct word *value; /* NULL: it takes none */
	const struct node
		*opts; /* the options in value; NULL: it is none that has such */
	const struct node *node, *value_node; /* items of the list, or of none */
	size_t from, n;                       /* its words, in the command's */
};

/* A call of qemu-img in the same script. */
struct qemu_img {
	const struct word *words; /* from "qemu-img" on */
	size_t n;
};

/* What rules about options see, one per VM (vm->qemu). */
struct qemu_command {
	const struct vm *vm;
	struct span at; /* the program's name, or what holds the words */
	const struct qemu_option *options;
	size_t noptions;
	const struct word *words;
	size_t nwords;
	/* A word stands for options that are decided elsewhere, or names a file of them: what
	 * is not seen may still be there. */
	bool open;
	bool unknown; /* the former: and not only that they are added to others */
	bool blanks;  /* words are between blanks, on lines, as in a shell */
	const struct qemu_img *imgs;
	size_t nimgs;
	/* Of a file for -readconfig: lines that QEMU does not read as they look (ini.h). */
	const struct ini_flaw *flaws;
	size_t nflaws;
};

/* "/usr/bin/qemu-system-x86_64", qemu-kvm, kvm: the name of a program that runs VMs. */
bool qemu_is_program(struct str name);

/* The options of some words, which are those behind the program's name. Each becomes an item
 * of its list, if it has one. Memory is a's, budgeted: NULL past it. */
struct qemu_command *qemu_command(const struct word *words, size_t n, struct arena *a);

/* Sections of a file, which are maps below root with the names of options, as further options
 * of c. False: memory is gone. */
bool qemu_add_sections(struct qemu_command *c, const struct node *root, struct arena *a)
	__attribute__((warn_unused_result));

/* Fills vm, whose flavour and node are set, from the words of a whole command line, and
 * binds c to it. program: its name. False: memory is gone. */
bool qemu_vm(struct vm *vm, const struct word *program, struct qemu_command *c,
	     const struct host *host, struct arena *a)
	__attribute__((warn_unused_result));

/* The same for words that are added to base's command line, which is not seen: facts that
 * they do not state are those of base. */
bool qemu_vm_added(struct vm *vm, const struct vm *base, struct qemu_command *c,
		   const struct host *host, struct arena *a)
	__attribute__((warn_unused_result));

/* The same for a file of options, which is one part of a command line. */
bool qemu_vm_file(struct vm *vm, struct qemu_command *c, const struct host *host,
		  struct arena *a) __attribute__((warn_unused_result));

/* The last option of that name; NULL: there is none. */
const struct qemu_option *qemu_option(const struct qemu_command *c, const char *name);

/* The one that counts of the options in its word with that name; NULL: there is none. */
const struct node *qemu_opt(const struct qemu_option *o, const char *name);

/* ---- shared by qemu*.c ---- */

/* v is what the flavour implies; it stands at `at`, and nothing can set it. */
void qemu_say(struct fact *f, const char *v, struct span at, const struct node *owner);
/* "on", "yes", "true", "y" are "yes"; their opposites are absent. */
void qemu_switch(struct fact *f);
/* What the VM, whose disks are read, starts with: -bios, the first two pflash, -kernel. */
void qemu_read_firmware(struct vm *vm, const struct qemu_command *c);
/* Disks of the command line; count is how many were made. */
size_t qemu_count_disks(const struct qemu_command *c);
void qemu_read_disks(struct vm *vm, struct disk *disks, const struct qemu_command *c,
		     const struct host *host);

#endif
