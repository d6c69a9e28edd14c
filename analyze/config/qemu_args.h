/* QEMU's arguments within a document that is about something else: libvirt's <qemu:arg>,
 * Packer's qemuargs, Quickemu's extra_args, Incus' raw.qemu, UTM's AdditionalArguments.
 *
 * A carrier says which of its values are words, and whose VM they are added to:
 *
 *     struct qemu_args args = qemu_args_in(u->text, &u->arena);
 *
 *     for_each_node (item, list)
 *             qemu_args_add(&args, item, item->whole, SPLIT_UTM);
 *     if (!qemu_args_vm(&args, vm, u->host))
 *             ... memory is gone
 *
 * and that is all. vm->args then is a VM of FLAVOUR_QEMU, which all rules see that speak of
 * QEMU's options; what the words do not say is what vm says, or unknown. A fix that changes,
 * adds or removes an option writes it within the value's own quotes and the document's
 * (plan_word(), plan_add_option(), plan_remove_option() of rewrite/edit.h). Nothing of the
 * carrier's syntax has to know of it, but for its judge.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_ARGS_H
#define ANALYZE_CONFIG_QEMU_ARGS_H

#include "analyze/config/qemu.h"
#include "analyze/config/word.h"
#include "base/vec.h"

struct qemu_args {
	struct view text; /* of the document */
	struct arena *a;
	VEC(struct word) words;
	const struct node *sections; /* of a file of options, beside the words; or NULL */
	const char *flaw; /* why the last text is no list of words; NULL: it is one */
	bool full;        /* memory is gone */
};

struct qemu_args qemu_args_in(struct view text, struct arena *a);

/* A scalar or an attribute: one word, or several as `how` says. item: what has to go for it
 * to be gone, and is copied for another one: "x", <qemu:arg value='x'/>, a row of two words;
 * it holds the value. len 0: the value is all there is, and words come and go within it. A
 * value that is not known may be any words, or none. */
void qemu_args_add(struct qemu_args *to, const struct node *value, struct span item,
		   enum word_split how);
/* The same for words that are there already (shell.h), and have no item. */
void qemu_args_split(struct qemu_args *to, const struct word *w, enum word_split how);

/* vm->args, when there are words. vm's other facts are there. False: memory is gone. */
bool qemu_args_vm(struct qemu_args *args, struct vm *vm, const struct host *host)
	__attribute__((warn_unused_result));

#endif
