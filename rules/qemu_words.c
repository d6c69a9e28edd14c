/* Edits of a command line's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qemu_words.h"
#include "base/banned.h"

const struct qemu_option *option_of_disk(const struct disk *d)
{
	const struct qemu_command *c = d->vm->qemu;

	for (size_t i = 0; c && i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (d->node && (o->opts == d->node || o->value_node == d->node ||
				(o->name.n == 0 && o->node == d->node)))
			return o;
	}
	return NULL;
}

const struct qemu_option *option_with(const struct qemu_command *c, const char *name,
				      const char *member, size_t *i)
{
	while (*i < c->noptions) {
		const struct qemu_option *o = &c->options[(*i)++];

		if (str_is(o->name, name) && qemu_opt(o, member))
			return o;
	}
	return NULL;
}

bool may_be_added(const struct vm *vm, const char *option)
{
	return !vm->base || !vm->base->builder || qemu_option(vm->qemu, option);
}

/* ---- -cdrom ---- */

static bool index_is_taken(const struct qemu_command *c)
{
	const struct qemu_option *o;
	size_t i = 0;

	if (qemu_option(c, "hdc"))
		return true;
	while ((o = option_with(c, "drive", "index", &i))) {
		const struct node *index = qemu_opt(o, "index");

		if (index->kind != NODE_SCALAR || str_is(index->text, "2"))
			return true;
	}
	return false;
}

static bool insert(struct plan *p, const struct word *w, size_t at, const char *text)
{
	return plan_word(p, w, at, at, str_of(text));
}

/* -cdrom's whole word is a file name; in -drive a comma ends it. */
static bool double_commas(struct plan *p, const struct word *w, size_t name)
{
	for (size_t i = 0; i < name; i++) {
		if (w->text.p[i] == ',' && !insert(p, w, i, ","))
			return false;
	}
	return true;
}

bool plan_cdrom_as_drive(struct plan *p, const struct qemu_command *c,
			 const struct qemu_option *o, size_t name)
{
	const struct word *w = o->value;

	if (!may_be_added(c->vm, "drive"))
		return plan_refuse(p, "the first row of -drive would take the place of "
				      "all that Packer adds itself");
	if (word_unknown(w, 0, name))
		return plan_refuse(p, "the name is decided elsewhere, and a comma in it "
				      "would have to be doubled");
	if (index_is_taken(c))
		return plan_refuse(p, "another drive has, or may have, index=2, which is "
				      "that of -cdrom");
	if (!plan_word(p, o->word, 0, o->word->text.n, STR("-drive")) ||
	    !insert(p, w, 0, "file="))
		return false;
	if (!double_commas(p, w, name))
		return false;
	return insert(p, w, name,
		      name < w->text.n ? ",media=cdrom,index=2"
				       : ",media=cdrom,index=2,file.locking=off");
}
