/* Files for -readconfig: lines that QEMU does not read as they look. It asks scanf() for
 * name = "value", takes "" where that fails behind the name, and says nothing.
 * QEMU: util/qemu-config.c, qemu_config_foreach(); seen with QEMU 7.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/ini.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

static struct str text_of(const struct ini_flaw *f, struct ini_place p)
{
	return (struct str){ f->text.p + p.from, p.to - p.from };
}

static struct span place(const struct ini_flaw *f, struct ini_place p)
{
	struct span at = f->whole;

	at.off += p.from;
	at.len = p.to - p.from;
	return at;
}

static bool insert(struct plan *p, const struct ini_flaw *f, size_t at, const char *text)
{
	return plan_replace(p, place(f, (struct ini_place){ at, at }), str_of(text));
}

/* ---- qemu-config-line ---- */

/* The line without the blanks around it. */
static struct str words(const struct ini_flaw *f)
{
	return text_of(f, f->tokens.whole);
}

/* What is wrong with it; NULL: the line is another rule's. */
static const char *line_flaw(const struct ini_flaw *f)
{
	switch (f->is) {
	case INI_BLANK:
		return "a line of blanks, expected an empty one";
	case INI_JOINED:
		return "no blank before '=', expected name = \"value\"";
	case INI_WORD:
		if (str_starts(words(f), "#") || str_starts(words(f), ";"))
			return "a comment, expected '#' as the first byte of its line";
		if (str_starts(words(f), "["))
			return "a section, expected '[' as the first byte of its line";
		return "expected [section] or name = \"value\"";
	case INI_SETTING:
	case INI_UNQUOTED:
	case INI_OPEN:
	case INI_EMPTY:
	case INI_HEADER:
		return NULL;
	}
	BUG("line %u", f->is);
}

static void check_line(struct scan *s, const struct vm *vm)
{
	for (size_t i = 0; vm->qemu && i < vm->qemu->nflaws; i++) {
		const struct ini_flaw *flaw = &vm->qemu->flaws[i];
		const char *what = line_flaw(flaw);
		struct finding *f;

		if (!what)
			continue;
		f = report(s, flaw->whole, "%s", what);
		if (flaw->is == INI_BLANK)
			report_label(s, f, "QEMU exits: parse error");
		else
			report_label(s, f,
				     "QEMU takes '%s' for the name of an option, and "
				     "exits",
				     shown(s, words(flaw)));
		f->arg = i;
	}
}

/* name="value" and name= "value": blanks around the sign. */
static bool part(struct plan *p, const struct ini_flaw *f)
{
	struct str value = text_of(f, f->tokens.value), rest = str_trim(value);
	size_t equals = f->tokens.name.to;

	if (rest.n < 2 || rest.p[0] != '"' ||
	    memchr(rest.p + 1, '"', rest.n - 1) != rest.p + rest.n - 1)
		return plan_refuse(p, "its value is not between quotes");
	plan_title(p, "blanks around '='");
	return insert(p, f, equals, " ") &&
	       (rest.p > value.p || insert(p, f, equals + 1, " "));
}

static bool fix_line(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct ini_flaw *flaw = &vm->qemu->flaws[f->arg];
	size_t lead = flaw->tokens.whole.from;
	struct str first = words(flaw);

	if (flaw->is == INI_BLANK) {
		plan_title(p, "an empty line");
		return plan_replace(p, flaw->whole, STR(""));
	}
	if (flaw->is == INI_JOINED)
		return part(p, flaw);
	if (str_starts(first, "#") || str_starts(first, "[")) {
		plan_title(p, "at the begin of its line");
		return plan_replace(p, place(flaw, (struct ini_place){ 0, lead }),
				    STR(""));
	}
	if (str_starts(first, ";")) {
		plan_title(p, "'#' at the begin of its line");
		return plan_replace(p, place(flaw, (struct ini_place){ 0, lead + 1 }),
				    STR("#"));
	}
	return plan_refuse(p, "what was meant cannot be told");
}

/* ---- qemu-config-unquoted ---- */

static void check_quotes(struct scan *s, const struct vm *vm)
{
	for (size_t i = 0; vm->qemu && i < vm->qemu->nflaws; i++) {
		const struct ini_flaw *flaw = &vm->qemu->flaws[i];
		struct str name = text_of(flaw, flaw->tokens.name);
		struct finding *f;

		if (flaw->is != INI_UNQUOTED && flaw->is != INI_OPEN)
			continue;
		f = report(s, place(flaw, flaw->tokens.value),
			   flaw->is == INI_OPEN
				   ? "the value of '%s' has no quote at its "
				     "end"
				   : "the value of '%s' is not between quotes",
			   shown(s, name));
		report_label(s, f, "%s",
			     flaw->is == INI_OPEN
				     ? "QEMU takes the end of the line for a part of it"
				     : "QEMU reads \"\", and does not say so");
		f->arg = i;
	}
}

static bool fix_quotes(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct ini_flaw *flaw = &vm->qemu->flaws[f->arg];
	struct ini_place at = flaw->tokens.value;
	struct str value = text_of(flaw, at);

	if (value.n == 0)
		return plan_refuse(p, "there is no value");
	if (memchr(value.p, '"', value.n) || memchr(value.p, '#', value.n) ||
	    memchr(value.p, '\'', value.n))
		return plan_refuse(p, "where the value ends cannot be told");
	plan_title(p, "\"%s\"", str_shown(p->arena, value));
	return (flaw->is == INI_OPEN || insert(p, flaw, at.from, "\"")) &&
	       insert(p, flaw, at.to, "\"");
}

/* ---- qemu-config-section ---- */

enum { SECTIONS_MAX = 512 }; /* that are compared with each other */

/* Options that are no groups, and the group that is meant where there is one. */
static const char *const no_groups[][2] = {
	{ "M", "machine" },      { "bios", NULL },          { "blockdev", "drive" },
	{ "boot", "boot-opts" }, { "cdrom", "drive" },      { "cpu", NULL },
	{ "display", NULL },     { "enable-kvm", "accel" }, { "hda", "drive" },
	{ "hdb", "drive" },      { "hdc", "drive" },        { "hdd", "drive" },
	{ "kernel", "machine" }, { "m", "memory" },         { "pflash", "drive" },
	{ "serial", NULL },      { "smp", "smp-opts" },     { "snapshot", NULL },
	{ "usb", "machine" },    { "vga", NULL },
};

static void check_kind(struct scan *s, const struct node *section)
{
	for (size_t i = 0; i < sizeof(no_groups) / sizeof(no_groups[0]); i++) {
		const char *meant = no_groups[i][1];
		struct finding *f;

		if (!str_is(section->key, no_groups[i][0]))
			continue;
		f = report(s, section->open_at, "a section of kind '%s'%s%s",
			   no_groups[i][0], meant ? ", expected " : "",
			   meant ? meant
				 : ", which is an option of the command line only");
		report_label(s, f, "QEMU exits: There is no option group '%s'",
			     no_groups[i][0]);
	}
}

static bool has_unique_id(const struct node *section)
{
	static const char *const kinds[] = { "chardev", "device", "drive", "fsdev",
					     "netdev" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_is(section->key, kinds[i]))
			return true;
	}
	return false;
}

/* The one before it with its kind and id; NULL: there is none. */
static const struct node *same_before(const struct node *root, const struct node *section)
{
	const struct node *id = node_child(section, "id"), *other;

	if (!id || id->kind != NODE_SCALAR || !has_unique_id(section))
		return NULL;
	for_each_node (n, root) {
		if (n == section)
			break;
		other = str_eq(n->key, section->key) ? node_child(n, "id") : NULL;
		if (other && str_eq(other->text, id->text))
			return n;
	}
	return NULL;
}

static void check_section(struct scan *s, const struct vm *vm)
{
	size_t left = SECTIONS_MAX;

	if (vm->flavour != FLAVOUR_QEMU || vm->node->syntax != SYNTAX_INI)
		return;
	for_each_node (n, vm->node) {
		const struct node *first = left ? same_before(vm->node, n) : NULL;
		struct finding *f;

		left -= left > 0;
		check_kind(s, n);
		if (!first)
			continue;
		f = report(s, n->open_at, "a second section for %s '%s'",
			   shown(s, n->key), shown(s, node_child(n, "id")->text));
		report_label(s, f, "QEMU exits: Duplicate ID");
		report_related(s, f, first->open_at, "the first one");
	}
}

#define SOURCE "QEMU, util/qemu-config.c, qemu_config_foreach()"

const struct rule rules_qemu_config[] = {
	{ .id = "qemu-config-line",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a line of a -readconfig file that QEMU does not understand",
	  .why = "QEMU knows [section] and '#' only at the first byte of a line, name = "
		 "\"value\" only with a blank before the sign, and no lines of blanks. "
		 "What else stands there ends the program, or is taken for the name of an "
		 "option that does not exist.",
	  .source = SOURCE,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_line, fix_line) },
	{ .id = "qemu-config-section",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a section of a -readconfig file that QEMU does not have",
	  .why = "Sections are groups of options, and not all options of the command line "
		 "are such: QEMU exits. A drive or a device has one section, and what a "
		 "second one says of it is not added.",
	  .steps = "Use the group that is named, or give the option on the command line; "
		   "join sections of one id.",
	  .source = SOURCE "; softmmu/vl.c",
	  .since = "0.1.0",
	  CHECK(vm, check_section) },
	{ .id = "qemu-config-unquoted",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a value of a -readconfig file without its quotes",
	  .why = "QEMU reads name = \"value\", and takes any other value for an empty one "
		 "without a word: a drive with file = disk.img starts without its image.",
	  .source = SOURCE,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_quotes, fix_quotes) },
};
RULES_END(qemu_config);
