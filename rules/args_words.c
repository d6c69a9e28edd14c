/* Words that stand where an option of QEMU must stand, and are none. QEMU: qemu-options.hx.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/near.h"
#include "rules/rules.h"
#include "base/banned.h"

static const char *const options[] = {
#define OPTIONS(names) (names),
#include "rules/qemu_options.def"
#undef OPTIONS
};

enum { NOPTIONS = sizeof(options) / sizeof(options[0]), LONG_NAME = 8 };

/* ---- qemu-unknown-option ---- */

static bool is_option(struct str name)
{
	for (size_t i = 0; i < NOPTIONS; i++) {
		if (str_among(name, options[i]))
			return true;
	}
	return false;
}

/* Two letters that go the wrong way are told from another name in a long one. */
static struct str near_option(struct str name)
{
	struct nearest best = near_to(name);

	for (size_t i = 0; i < NOPTIONS; i++)
		near_look(&best, options[i]);
	return near_word(&best, name.n < LONG_NAME ? 1 : 2);
}

/* "smp" of "smp=4": the option is there, and its value is to be a word of its own. */
static struct str joined(struct str name)
{
	const char *equals = memchr(name.p, '=', name.n);
	struct str before = { name.p, equals ? (size_t)(equals - name.p) : 0 };

	return before.n && is_option(before) ? before : STR("");
}

/* Others use such words for what is put in there later: @NAME@, <name>, {name}. */
static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return name.n > 0;
}

/* Of the words before it, which are read, none is left that may take it as its value. */
static bool is_at_option(const struct vm *vm, const struct qemu_option *o)
{
	const struct qemu_option *before = o - 1;

	if (o == vm->qemu->options || o->from == 0)
		return o->from == 0;
	return before->from + before->n == o->from;
}

/* *meant: what it is a typing mistake of, or empty. */
static bool is_unknown(const struct vm *vm, const struct qemu_option *o,
		       struct str *meant)
{
	*meant = STR("");
	if (o->name.n == 0 || o->word->fixed || is_option(o->name) ||
	    !is_at_option(vm, o))
		return false;
	*meant = joined(o->name);
	if (meant->n)
		return true;
	if (!is_plain(o->name))
		return false;
	*meant = near_option(o->name);
	return true;
}

static void check_options(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct str meant;
		struct finding *f;

		if (!is_unknown(vm, o, &meant))
			continue;
		if (meant.n && meant.p == o->name.p)
			f = report(s, o->word->at, "%s, expected two words: -%s %s",
				   shown(s, o->word->text), shown(s, meant),
				   shown(s, (struct str){ meant.p + meant.n + 1,
							  o->name.n - meant.n - 1 }));
		else if (meant.n)
			f = report(s, o->word->at,
				   "there is no option '%s', expected '-%.*s'",
				   shown(s, o->word->text), STR_ARG(meant));
		else
			f = report(s, o->word->at, "there is no option '%s'",
				   shown(s, o->word->text));
		report_label(s, f, "QEMU exits at start: invalid option");
		/* A newer one, or one that was built with changes, may have it. */
		if (meant.n == 0)
			report_lower(f);
	}
}

static bool fix_option(struct plan *p, const struct vm *vm, const struct qemu_option *o,
		       struct str meant)
{
	size_t n = o->word->text.n, name = n - o->name.n, equals = name + meant.n;
	bool typed = meant.p != o->name.p;
	const struct word_part *in;
	struct span at;

	if (meant.n == 0)
		return plan_refuse(p, "what was meant can only be guessed");
	if (!typed && (!vm->qemu->blanks || o->word->at.len != n))
		return plan_refuse(p, "its word is to become two");
	if (!word_cut(o->word, typed ? name : equals, typed ? n : equals + 1, &at, &in))
		return plan_refuse(p, "its text is written in another way");
	plan_title(p, "-%.*s%s", STR_ARG(meant),
		   typed ? "" : ", and its value as a word of its own");
	return plan_replace(p, at, typed ? meant : STR(" "));
}

static bool fix_options(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct str meant;

		if (o->word->at.off == f->at.off && is_unknown(vm, o, &meant))
			return fix_option(p, vm, o, meant);
	}
	return false;
}

const struct rule rules_args_words[] = {
	{ .id = "qemu-unknown-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an option that QEMU does not have",
	  .why = "QEMU exits at start: invalid option. It is an error where it is a typing "
		 "mistake of one that there is, and else a warning: a newer QEMU, or one "
		 "with changes of its own, may have it.",
	  .steps =
		  "`qemu-system-ARCH -help` lists the options. What an option takes is the "
		  "next word, without an = between.",
	  .source = "QEMU, qemu-options.hx; system/vl.c, lookup_opt()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_options, fix_options) },
};
RULES_END(args_words);
