/* What one device of a libvirt domain says twice, and not both can be: tables of what libvirt
 * refuses, because two values of one device go with no machine together, or because one asks
 * for what is not there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_CLASH_H
#define RULES_CLASH_H

#include "rules/rule.h"

/* What a value must be for the clause to hold. A value that is not known satisfies none.
 *     "on"         this word              "ide|sata"   one of these
 *     "!ide|sata"  none of these          ""           it is absent; "ide|" may be, too
 *     "!"          it is there            "!ide|"      it is there, and is not this
 *     "#<8" "#>8" "#=8"                   a number, and less, more, this
 *     "#2^"        a number that is not 0, and no power of two
 *     "~>8"        longer than 8 bytes    "~-abc"      has a byte that is none of these
 * An attribute that is there and empty is as good as absent.
 * path: of the node that is checked (ASK), mostly the device's; "^source@protocol": of the
 * device in any case; "/os/type@arch": of the domain; "%bus": where a disk goes, said or by its
 * name; "%arch": the domain's. */
struct clause {
	const char *path, *is;
};

enum { CLASH_CLAUSES = 5 };

struct clash {
	uint64_t kinds; /* of the devices that it is about: ON(disk); among the table's */
	const char *at; /* what is too much, as a path; "": the device itself */
	struct clause when[CLASH_CLAUSES];   /* all of them; the rest is { NULL, NULL } */
	bool (*also)(const struct device *); /* and this; NULL: no more is asked */
	/* {path} becomes the value there, {path:word} that or, without one, the word. */
	const char *says;
	const char *set;   /* the fix: `at` gets this value; NULL: it is removed */
	const char *label; /* NULL: "libvirt refuses the domain" */
	bool common;       /* every driver of libvirt says so, not QEMU's alone */
	bool no_fix;       /* what would be right is not known */
	bool lower;        /* not every version says so */
	uint32_t until;    /* libvirt of that major version takes it; 0: none does */
};

#define ON(kind) (UINT64_C(1) << DEVICE_##kind)

/* A row's usual beginning: { CLASH(ON(disk), "@rawio", "...", { "@rawio", "!" }), ... } */
#define CLASH(of, place, text, ...)                                                      \
	.kinds = (of), .at = (place), .says = (text), .when = { __VA_ARGS__ }

/* What libvirt says when it starts the domain, and not before. */
#define AT_START "libvirt defines the domain, and does not start it"

/* Reports each row that holds of d. node: d's own, or the element below that the rows' paths
 * begin at. */
void clash_check(struct scan *s, const struct device *d, const struct node *node,
		 const struct clash *rows, size_t n);
/* For d's own node. of: no row is about another kind of device. */
void clash_table(struct scan *s, const struct device *d, uint64_t of,
		 const struct clash *rows, size_t n);
bool clash_fix(struct plan *p, const struct finding *f, const struct node *node,
	       const struct clash *rows);

/* A value by a path as above; .lens is NULL. */
struct fact clash_ask(const struct device *d, const struct node *node, const char *path);
bool clause_holds(const struct fact *f, const char *is);

/* The check of a rule that is such a table, name_clashes[], for devices of these kinds; and
 * its fix. */
#define CLASHES_ONLY(name, of)                                                           \
	static void check_##name(struct scan *s, const struct device *d)                 \
	{                                                                                \
		clash_table(s, d, (of), name##_clashes,                                  \
			    sizeof(name##_clashes) / sizeof(name##_clashes[0]));         \
	}
#define CLASHES(name, of)                                                                \
	CLASHES_ONLY(name, of)                                                           \
	static bool fix_##name(struct plan *p, const struct finding *f,                  \
			       const struct device *d)                                   \
	{                                                                                \
		return clash_fix(p, f, d->node, name##_clashes);                         \
	}

/* The bus of a disk: what <target> says, or what libvirt makes of its name. */
struct fact disk_bus(const struct device *disk);

/* "disk 'vda'", "interface '52:54:00:...'", "the tpm": for messages. */
const char *device_name(struct scan *s, const struct device *d);

#endif
