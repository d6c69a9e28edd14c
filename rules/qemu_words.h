/* Edits of a command line's words, for the fixes of several families.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_QEMU_WORDS_H
#define RULES_QEMU_WORDS_H

#include "analyze/config/qemu.h"
#include "rules/rule.h"

/* The option whose value, or whose options, a disk's node is; NULL: there is none. */
const struct qemu_option *option_of_disk(const struct disk *d);
/* The option of that name whose options have this member; i goes on where it was left, from
 * 0; NULL: no more. */
const struct qemu_option *option_with(const struct qemu_command *c, const char *name,
				      const char *member, size_t *i);
/* -cdrom NAME as a -drive that is the same, with file.locking=off. name: how much of the
 * word is the image's name. */
bool plan_cdrom_as_drive(struct plan *p, const struct qemu_command *c,
			 const struct qemu_option *o, size_t name);

/* Packer takes rows of an option for all that it would say with that option itself: there
 * is one already, or it is not Packer. */
bool may_be_added(const struct vm *vm, const char *option);

#endif
