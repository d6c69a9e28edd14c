/* Options of QEMU's command line, wherever they stand, for the rules about them: args_*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_ARGS_H
#define RULES_ARGS_H

#include "analyze/config/qemu.h"
#include "analyze/machine.h"
#include "rules/rules.h"

/* What no command line that starts a VM has is not compared option by option. */
enum { ARGS_MAX = 1024 };

static inline size_t args_count(const struct vm *vm)
{
	return vm->qemu && vm->qemu->noptions <= ARGS_MAX ? vm->qemu->noptions : 0;
}

#define for_each_arg(o, vm)                                                              \
	for (const struct qemu_option *o = args_count(vm) ? (vm)->qemu->options : NULL,  \
				      *o##_end = o ? o + args_count(vm) : NULL;          \
	     o < o##_end; o++)

/* There are no other options than those that are seen. */
static inline bool args_whole(const struct vm *vm)
{
	return args_count(vm) && !vm->qemu->open && !vm->base;
}

/* Its value is known and not empty; else NULL. */
static inline const struct node *arg_known(const struct qemu_option *o, const char *key)
{
	const struct node *n = qemu_opt(o, key);

	return n && n->kind == NODE_SCALAR && n->text.n > 0 ? n : NULL;
}

static inline bool arg_is(const struct qemu_option *o, const char *key, const char *value)
{
	const struct node *n = arg_known(o, key);

	return n && str_is(n->text, value);
}

/* It may have other options than those that are seen: "$X", "user,$MORE". */
static inline bool arg_open(const struct qemu_option *o)
{
	const struct node *first = o->opts->first;

	return node_is_open(o->opts) ||
	       (first && first->kind == NODE_OPAQUE && first->key_at.len == 0);
}

/* Not there, in a word that has no options that are decided elsewhere. */
static inline bool arg_absent(const struct qemu_option *o, const char *key)
{
	return o->opts && !qemu_opt(o, key) && !arg_open(o);
}

/* "on", "yes", "true", "y", and what else QEMU takes for it. */
static inline bool arg_is_on(const struct qemu_option *o, const char *key)
{
	const struct node *n = arg_known(o, key);

	return n && str_among(n->text, "on yes true y");
}

/* Of an option that is a text: its value, when all of it is known; else empty. */
static inline struct str arg_text(const struct qemu_option *o)
{
	return o->value && !word_unknown(o->value, 0, o->value->text.n) ? o->value->text
									: STR("");
}

static inline bool is_machine_arg(const struct qemu_option *o)
{
	return o->opts && (str_is(o->name, "machine") || str_is(o->name, "M"));
}

/* MACHINE_UNKNOWN: it is not said, or is a name that we do not know. */
static inline enum machine_family args_machine(const struct vm *vm)
{
	if (fact_known(&vm->machine))
		return machine_family(STR(""), vm->machine.v);
	/* The default of QEMU's programs for PCs. */
	if (fact_absent(&vm->machine) &&
	    (fact_is(&vm->arch, "x86_64") || fact_is(&vm->arch, "i686")))
		return MACHINE_I440FX;
	return MACHINE_UNKNOWN;
}

/* The model of a -device; NULL: it is none, or its model is not known. */
static inline const struct node *device_model(const struct qemu_option *o)
{
	return str_is(o->name, "device") ? arg_known(o, "driver") : NULL;
}

#endif
