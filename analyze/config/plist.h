/* Property lists: Apple's dictionaries, arrays and values, in XML or binary, as one tree of
 * SYNTAX_PLIST. plist(5); PropertyList-1.0.dtd; CoreFoundation, CFBinaryPList.c.
 *
 * XML ones are read by xml.h and keep its exact places. A member is its <key> and its value;
 * key_at is the key's text. Of a binary one each place is that of an object's bytes: an
 * object may be the value of several members, and none is within another.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PLIST_H
#define ANALYZE_CONFIG_PLIST_H

#include "analyze/unit.h"

enum {
	BPLIST_SIZE_MAX = 8 << 20,  /* bytes; a config has some KiB */
	BPLIST_NODES_MAX = 1 << 16, /* values, those that are shared counted each time */
	BPLIST_DEPTH_MAX = 128,     /* containers within each other */
};

#define PLIST_BINARY                                                                     \
	"it is a binary property list: `plutil -convert xml1 FILE` makes it one that "   \
	"can be edited"

/* By the first bytes: "bplist0", or a root element <plist>. */
bool plist_is_binary(struct view head);
bool plist_is_xml(struct view head);

/* Has the dictionary that is the whole list a member of that name, of those in the head? No
 * memory is needed. A binary list must be in the head as a whole; of one that is broken: does
 * it have the name anywhere? */
bool plist_root_has(struct view head, const char *name);

/* The value of the whole list; the contract is that of xml_read(). Of several members of one
 * name the last counts, as it does for CoreFoundation. */
int plist_read(const struct source *src, struct view text, struct arena *a,
	       struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* The parts of these for binary ones (bplist.c). */
bool bplist_root_has(struct view bytes, const char *name);
int bplist_read(const struct source *src, struct view bytes, struct arena *a,
		struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

#endif
