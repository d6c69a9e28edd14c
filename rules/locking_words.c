/* QEMU's options for locks, where QEMU does not take them.
 * QEMU: qapi/block-core.json, BlockdevOptionsFile; iotest 182.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/lens.h"
#include "rules/qemu_words.h"
#include "base/banned.h"

/* ---- locking-misplaced ---- */

static const struct lens settings[] = {
	{ .field = "locking", .path = "locking" },
	{ .field = "locking", .path = "file.locking" },
	{ .field = "locking", .path = "backing.file.locking" },
};
enum { NSETTINGS = sizeof(settings) / sizeof(settings[0]) };

struct misplaced {
	enum {
		OF_FORMAT, /* 'locking' of an image's format, which has no such option */
		NO_SWITCH, /* neither on, off nor auto */
		IN_NAME,   /* a part of the file name that is -cdrom's word */
	} how;
	const struct qemu_option *option;
	const struct lens *lens; /* of `settings`; IN_NAME: NULL */
	const struct node *setting;
	size_t at; /* IN_NAME: where it begins in the word */
};

/* Here `locking` is the protocol's own. */
static bool is_protocol(const struct qemu_option *o)
{
	static const char *const drivers[] = { "file", "host_device", "host_cdrom" };
	const struct node *driver = qemu_opt(o, "driver");

	if (!driver)
		driver = qemu_opt(o, "format");
	if (!driver)
		return str_is(o->name, "blockdev");
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (driver->kind != NODE_SCALAR || str_is(driver->text, drivers[i]))
			return true;
	}
	return false;
}

/* In JSON it is a string, and a Boolean is none. */
static bool is_switch(const struct node *n)
{
	return n->kind != NODE_SCALAR || str_is(n->text, "on") ||
	       str_is(n->text, "off") || str_is(n->text, "auto");
}

static bool is_misplaced(struct misplaced *m, const struct qemu_option *o,
			 const struct lens *lens)
{
	bool image = str_is(o->name, "drive") || str_is(o->name, "blockdev");
	const struct node *n = image ? qemu_opt(o, lens->path) : NULL;

	if (!n)
		return false;
	*m = (struct misplaced){ .option = o, .lens = lens, .setting = n };
	if (lens == &settings[0] && !is_protocol(o))
		m->how = OF_FORMAT;
	else if (!is_switch(n))
		m->how = NO_SWITCH;
	else
		return false;
	return true;
}

/* Where ",file.locking=" begins in -cdrom's word; 0: it has none. */
static size_t option_in_name(const struct word *w)
{
	static const char mark[] = ",file.locking=";
	size_t n = sizeof(mark) - 1;

	for (size_t i = 1; i + n <= w->text.n; i++) {
		if (memcmp(w->text.p + i, mark, n) == 0 && !word_unknown(w, i, i + n))
			return i;
	}
	return 0;
}

static bool is_in_name(struct misplaced *m, const struct qemu_option *o)
{
	static const char *const names[] = { "cdrom", "hda", "hdb", "hdc", "hdd" };
	bool image = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		image = image || str_is(o->name, names[i]);
	*m = (struct misplaced){ .how = IN_NAME, .option = o };
	m->at = image && o->value ? option_in_name(o->value) : 0;
	return m->at > 0;
}

/* All that are misplaced, one after the other: *place goes on where it was left, from 0. */
static bool next_misplaced(const struct qemu_command *c, size_t *place,
			   struct misplaced *m)
{
	while (c && *place < c->noptions * (NSETTINGS + 1)) {
		const struct qemu_option *o = &c->options[*place / (NSETTINGS + 1)];
		size_t setting = (*place)++ % (NSETTINGS + 1);

		if (setting < NSETTINGS ? is_misplaced(m, o, &settings[setting])
					: is_in_name(m, o))
			return true;
	}
	return false;
}

static struct finding *say_misplaced(struct scan *s, const struct misplaced *m)
{
	const struct word *w = m->option->value;
	struct finding *f;

	switch (m->how) {
	case OF_FORMAT:
		f = report(s, m->setting->key_at,
			   "'locking' is no option of the image's format, expected "
			   "file.locking");
		report_label(s, f,
			     "QEMU exits: Block format does not support the option "
			     "'locking'");
		return f;
	case NO_SWITCH:
		f = report(s, m->setting->text_at, "%s=%s, expected on, off or auto",
			   m->lens->path, shown(s, m->setting->text));
		report_label(s, f, "QEMU exits: Invalid parameter");
		return f;
	case IN_NAME:
		f = report(s, word_span(w, m->at, w->text.n),
			   "'%s' is a part of the file's name: -%.*s takes no options",
			   shown(s, (struct str){ w->text.p + m->at, w->text.n - m->at }),
			   STR_ARG(m->option->name));
		report_label(s, f, "QEMU exits: Could not open; -drive takes options");
		return f;
	}
	BUG("misplaced %u", m->how);
}

/* f->arg: how many were found before it. */
static void check_misplaced(struct scan *s, const struct vm *vm)
{
	struct misplaced m;
	size_t place = 0;

	for (uint64_t i = 0; next_misplaced(vm->qemu, &place, &m); i++)
		say_misplaced(s, &m)->arg = i;
}

static struct fact fact_of(const struct misplaced *m)
{
	const struct node *n = m->setting;

	return (struct fact){ .state = FACT_KNOWN,
			      .v = n->text,
			      .at = n->text_at,
			      .owner = n->up,
			      .lens = n->up == m->option->opts ? m->lens : &settings[0] };
}

static bool fix_value(struct plan *p, const struct misplaced *m)
{
	static const char *const off[] = { "no", "false", "0", "n" };
	static const char *const on[] = { "yes", "true", "1", "y" };
	const struct fact locking = fact_of(m);
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (str_is(m->setting->text, off[i]))
			value = "off";
		else if (str_is(m->setting->text, on[i]))
			value = "on";
	}
	if (!value)
		return plan_refuse(p, "it is neither yes nor no");
	plan_title(p, "%s=%s", m->lens->path, value);
	return plan_set(p, &locking, value);
}

static bool fix_name(struct plan *p, const struct qemu_command *c,
		     const struct misplaced *m)
{
	if (!str_is(m->option->name, "cdrom"))
		return plan_refuse(p, "which -drive is the same depends on the machine");
	plan_title(p, "-cdrom as a -drive");
	return plan_cdrom_as_drive(p, c, m->option, m->at);
}

/* {"locking": "off", "file": {...}}: from one object to the other. */
static bool move_into_file(struct plan *p, const struct misplaced *m)
{
	const struct fact inside = { .state = FACT_ABSENT,
				     .owner = qemu_opt(m->option, "file"),
				     .lens = &settings[0] };

	return plan_remove_node(p, m->setting) &&
	       plan_set(p, &inside, arena_str(p->arena, m->setting->text));
}

/* 'locking' becomes file.locking. */
static bool fix_level(struct plan *p, const struct misplaced *m)
{
	const struct qemu_option *o = m->option;
	struct span at = m->setting->key_at;

	if (qemu_opt(o, "file.locking")) {
		plan_title(p, "remove 'locking', as there is file.locking");
		return plan_remove_node(p, m->setting);
	}
	if (str_is(o->name, "blockdev") && !qemu_opt(o, "file.filename"))
		return plan_refuse(p, "the file is a node of its own");
	plan_title(p, "file.locking");
	if (o->opts->syntax == SYNTAX_QEMU_JSON)
		return move_into_file(p, m);
	if (o->value && o->value->fixed)
		return plan_refuse(p, "its word cannot be edited: %s", o->value->fixed);
	at.len = 0;
	return plan_replace(p, at, STR("file."));
}

static bool fix_misplaced(struct plan *p, const struct finding *f, const struct vm *vm)
{
	struct misplaced m;
	size_t place = 0;

	for (uint64_t i = 0; next_misplaced(vm->qemu, &place, &m); i++) {
		if (i < f->arg)
			continue;
		switch (m.how) {
		case OF_FORMAT:
			return fix_level(p, &m);
		case NO_SWITCH:
			return fix_value(p, &m);
		case IN_NAME:
			return fix_name(p, vm->qemu, &m);
		}
	}
	return false;
}

/* ---- locking-without-file ---- */

static bool names_file(const struct node *opts)
{
	for_each_node (n, opts) {
		if (str_is(n->key, "file") || str_is(n->key, "driver") ||
		    str_is(n->key, "format") ||
		    (str_starts(n->key, "file.") && !str_is(n->key, "file.locking")))
			return true;
	}
	return node_is_open(opts);
}

static void check_fileless(struct scan *s, const struct vm *vm)
{
	const struct qemu_option *o;
	struct finding *f;
	size_t i = 0;

	if (!vm->qemu)
		return;
	while ((o = option_with(vm->qemu, "drive", "file.locking", &i))) {
		if (names_file(o->opts))
			continue;
		f = report(s, qemu_opt(o, "file.locking")->whole,
			   "a -drive with file.locking, and without a file");
		report_label(s, f, "QEMU exits: Must specify either driver or file");
		f->arg = i - 1;
	}
}

/* The Identifier of UTM's only CD drive, where UTM does not turn the locks of a CD off by
 * itself, as 4.5.4 and later do; NULL: nothing of the kind. */
static const struct node *locked_cd(const struct vm *vm)
{
	const struct utm *utm = vm->base ? vm->base->utm : NULL;
	const struct node *found = NULL;

	if (!utm || utm->kind != UTM_QEMU || !utm->version.known ||
	    version_cmp(&utm->version, 4, 5, 4) >= 0)
		return NULL;
	for (size_t i = 0; i < vm->base->ndisks; i++) {
		const struct disk *d = &vm->base->disks[i];

		if (!fact_is(&d->device, "cdrom"))
			continue;
		if (found)
			return NULL;
		found = node_child(d->node, "Identifier");
	}
	return found;
}

/* UTM's own arguments come first, so that -set finds the drive. */
static bool set_locking(struct plan *p, const struct qemu_option *o,
			const struct node *cd)
{
	const char *set = arena_printf(p->arena, "drive.drive%.*s.file.locking=off",
				       STR_ARG(cd->text));

	plan_title(p, "-set %s", set);
	return plan_word(p, o->word, 0, o->word->text.n, STR("-set")) &&
	       plan_word(p, o->value, 0, o->value->text.n, str_of(set));
}

static bool fix_fileless(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *o = &vm->qemu->options[f->arg];
	const struct node *cd = locked_cd(vm);

	if (cd && o->value && str_is(o->value->text, "file.locking=off"))
		return set_locking(p, o, cd);
	for_each_node (n, o->opts) {
		if (str_is(n->key, "file.locking"))
			continue;
		plan_title(p, "remove file.locking");
		return plan_remove_node(p, qemu_opt(o, "file.locking"));
	}
	plan_title(p, "remove the -drive");
	return plan_remove_option(p, vm->qemu, o);
}

const struct rule rules_locking_words[] = {
	{ .id = "locking-misplaced",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an option for QEMU's locks that QEMU does not take there",
	  .why = "Locks are the file's business, not the format's: QEMU knows "
		 "file.locking=on, off or auto in a -drive, and locking= in a -blockdev "
		 "of driver file. Elsewhere it does not start, and the word of -cdrom is "
		 "a file name whatever it holds.",
	  .source = "QEMU, qapi/block-core.json, BlockdevOptionsFile; iotest 182",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_misplaced, fix_misplaced) },
	{ .id = "locking-without-file",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "file.locking in a -drive that has no file",
	  .why = "Options of -drive are about that drive: they do not change another "
		 "one, and a drive with options of a file needs a file. QEMU exits: Must "
		 "specify either driver or file.",
	  .steps = "Give file.locking=off to the -drive of the image; for one that "
		   "another program wrote, behind it: -set drive.ID.file.locking=off.",
	  .source = "QEMU, blockdev.c, block.c; utmapp/UTM#6564, #7527",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_fileless, fix_fileless) },
};
RULES_END(locking_words);
