/* From values of a document to QEMU's words, and the VM that they tell of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_args.h"
#include "analyze/config/qemu_override.h"

#include "base/banned.h"

enum { ARGS_MAX = 32768 }; /* words */

struct qemu_args qemu_args_in(struct view text, struct arena *a)
{
	return (struct qemu_args){ .text = text, .a = a };
}

static struct word *split(struct qemu_args *to, const struct word *w, enum word_split how,
			  size_t *n)
{
	struct word *outer = arena_try_new(to->a, struct word), *words;
	const char *flaw;

	*n = 0;
	to->full = to->full || !outer || to->words.n >= ARGS_MAX;
	if (to->full)
		return NULL;
	*outer = *w;
	words = word_split(outer, how, n, &flaw, to->a);
	to->full = !words || to->words.n + *n > ARGS_MAX;
	if (flaw)
		to->flaw = flaw;
	return to->full ? NULL : words;
}

static void add_all(struct qemu_args *to, const struct word *words, size_t n)
{
	for (size_t i = 0; i < n && !to->full; i++) {
		struct word *w = vec_add(&to->words, to->a);

		*w = words[i];
	}
}

void qemu_args_split(struct qemu_args *to, const struct word *w, enum word_split how)
{
	size_t n;
	const struct word *words = split(to, w, how, &n);

	if (words)
		add_all(to, words, n);
}

void qemu_args_add(struct qemu_args *to, const struct node *value, struct span item,
		   enum word_split how)
{
	struct word *words;
	struct word w;
	size_t n;

	to->full = to->full || !word_of_node(&w, value, to->text, to->a);
	if (to->full)
		return;
	w.item = item;
	words = split(to, &w, how, &n);
	for (size_t i = 0; words && i < n; i++)
		words[i].item = n == 1 ? item : words[i].at;
	if (words)
		add_all(to, words, n);
}

bool qemu_args_vm(struct qemu_args *args, struct vm *vm, const struct host *host)
{
	struct qemu_override o;
	struct qemu_command *c;
	struct vm *v;
	size_t count = 0;

	if (args->full)
		return false;
	if (args->words.n == 0 && !args->sections)
		return true;
	c = qemu_command(args->words.v, args->words.n, args->a);
	v = arena_try_new(args->a, struct vm);
	if (!c || !v ||
	    (args->sections && !qemu_add_sections(c, args->sections, args->a)) ||
	    !qemu_vm_added(v, vm, c, host, args->a))
		return false;
	vm->args = v;
	for (size_t i = 0; i < c->noptions; i++) {
		if (qemu_override_of(&o, &c->options[i]) &&
		    !qemu_override_vm(vm, count++, &o))
			break;
	}
	/* What is handed to the guest is so wherever it is said. */
	vm->hostdevs = v->hostdevs;
	vm->nhostdevs = v->nhostdevs;
	return true;
}
