/* Names and values of QEMU's options that do not exist. QEMU: qapi/, qemu-options.hx.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/near.h"
#include "rules/rules.h"
#include "base/banned.h"

/* What QEMU may have got since is further away than one mistake. */
enum { MISTAKES = 1 };

/* ---- qemu-unknown-value ---- */

struct values {
	const char *option, *key;
	bool all;
	const char *words;
};

static const struct values tables[] = {
#define VALUES(option, key, all, words) { (option), (key), (all), (words) },
#include "rules/qemu_values.def"
#undef VALUES
};

/* The value, and where it stands; empty: it is not there, or not known. */
static struct str value_of(const struct qemu_option *o, const struct values *t,
			   struct span *at)
{
	const struct node *n = t->key ? arg_known(o, t->key) : NULL;
	struct str text = arg_text(o);
	const char *comma;

	if (n) {
		*at = n->text_at;
		return n->text;
	}
	if (t->key || !o->value)
		return STR("");
	comma = text.n ? memchr(text.p, ',', text.n) : NULL;
	text.n = comma ? (size_t)(comma - text.p) : text.n;
	*at = text.n ? word_span(o->value, 0, text.n) : o->value->at;
	return text;
}

static const struct values *wrong_value(const struct qemu_option *o, struct str *value,
					struct span *at, struct str *near)
{
	struct nearest best;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct values *t = &tables[i];

		if (!str_is(o->name, t->option))
			continue;
		*value = value_of(o, t, at);
		if (value->n == 0 || str_among(*value, t->words) ||
		    str_among(*value, "help ?"))
			continue;
		best = near_to(*value);
		near_look(&best, t->words);
		*near = near_word(&best, MISTAKES);
		if (t->all || near->n)
			return t;
	}
	return NULL;
}

/* ---- of it: names with colons between, and numbers ---- */

/* The next of them from *from on, and its place in the text. */
static struct str next_part(struct str text, size_t *from)
{
	size_t begin = *from, end = begin;

	while (end < text.n && text.p[end] != ':')
		end++;
	*from = end + 1;
	return (struct str){ text.p + begin, end - begin };
}

static const char *accelerators(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].option, "accel") == 0)
			return tables[i].words;
	}
	return "";
}

static struct span part_at(const struct node *n, struct str part)
{
	struct span at = n->text_at;

	if (at.len == n->text.n) {
		at.off += (uint64_t)(part.p - n->text.p);
		at.len = part.n;
	}
	return at;
}

/* The first of -machine accel=kvm:tcg that is none; NULL: all are. */
static const struct node *wrong_accel(const struct qemu_option *o, struct str *part,
				      struct str *near)
{
	const struct node *n = is_machine_arg(o) ? arg_known(o, "accel") : NULL;
	struct nearest best;

	for (size_t from = 0; n && from < n->text.n;) {
		*part = next_part(n->text, &from);
		if (part->n == 0 || str_among(*part, accelerators()))
			continue;
		best = near_to(*part);
		near_look(&best, accelerators());
		*near = near_word(&best, MISTAKES);
		return n;
	}
	return NULL;
}

static void say_accel(struct scan *s, const struct qemu_option *o)
{
	struct str part, near;
	const struct node *n = wrong_accel(o, &part, &near);
	struct finding *f;

	if (!n)
		return;
	f = report(s, part_at(n, part), "-machine accel=%s, expected %s%s",
		   shown(s, part), near.n ? "" : "one of: ",
		   near.n ? scan_printf(s, "%.*s", STR_ARG(near))
			  : near_list(s, accelerators()));
	report_label(s, f,
		     part.n == n->text.n
			     ? "QEMU exits at start"
			     : "QEMU says that it is invalid, and takes another");
}

/* A word that none of QEMU's ways to read a number takes; others may be put in place of those
 * in capitals, or of @this@, later. */
static bool is_no_number(struct str s, bool size)
{
	static const char units[] = "bkmgtpe";
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	}
	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (digits == s.n || str_starts(s, "0x"))
		return false;
	return digits == 0 || !size || (digits + 1 == s.n && !strchr(units, s.p[digits]));
}

static const struct node *wrong_number(const struct qemu_option *o)
{
	static const char *const levels[] = {
		"cpus",     "maxcpus", "sockets", "dies",
		"clusters", "modules", "cores",   "threads"
	};
	static const char *const sizes[] = { "size", "maxmem" };
	bool size = str_is(o->name, "m");
	size_t n = size ? 2 : str_is(o->name, "smp") ? 8 : 0;

	for (size_t i = 0; i < n; i++) {
		const struct node *at = arg_known(o, size ? sizes[i] : levels[i]);

		if (at && is_no_number(at->text, size) && !str_is(at->text, "help"))
			return at;
	}
	return NULL;
}

static void say_number(struct scan *s, const struct qemu_option *o)
{
	const struct node *n = wrong_number(o);
	bool size = str_is(o->name, "m");
	struct finding *f;

	if (!n)
		return;
	f = report(s, n->text_at, "-%s %s=%s, expected %s", size ? "m" : "smp",
		   shown(s, n->key), shown(s, n->text),
		   size ? "a size, such as 4G" : "a number");
	report_label(s, f, "QEMU exits at start");
}

static void check_values(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct str value, near;
		struct span at;
		const struct values *t = wrong_value(o, &value, &at, &near);
		struct finding *f;

		say_accel(s, o);
		say_number(s, o);
		if (!t)
			continue;
		f = report(s, at, "-%s %s%s%s, expected %s%s", t->option,
			   t->key ? t->key : "", t->key ? "=" : "", shown(s, value),
			   near.n ? "" : "one of: ",
			   near.n ? scan_printf(s, "%.*s", STR_ARG(near))
				  : near_list(s, t->words));
		report_label(s, f, "QEMU exits at start");
	}
}

static bool fix_values(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct str value, near;
		struct span at;
		const struct node *n = wrong_accel(o, &value, &near);
		const struct values *t = n ? NULL : wrong_value(o, &value, &at, &near);

		if (n)
			at = part_at(n, value);
		if ((!n && !t) || at.off != f->at.off || at.len != f->at.len)
			continue;
		if (near.n == 0 || at.len != value.n)
			break;
		plan_title(p, "%.*s", STR_ARG(near));
		return plan_replace(p, at, near);
	}
	return plan_refuse(p, "what was meant can only be guessed");
}

/* ---- qemu-unknown-device ---- */

static const char *const devices[] = {
#define DEVICES(names) (names),
#include "rules/qemu_devices.def"
#undef DEVICES
};

/* What the model is a typing mistake of; empty: QEMU has it, or may have. */
static struct str meant_by(const struct node *model)
{
	struct nearest best = near_to(model->text);

	if (str_ends(model->text, "-cpu"))
		return STR("");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (str_among(model->text, devices[i]))
			return STR("");
	}
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		near_look(&best, devices[i]);
	return near_word(&best, MISTAKES);
}

static void check_devices(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = device_model(o);
		struct str meant = n ? meant_by(n) : STR("");
		struct finding *f;

		if (meant.n == 0)
			continue;
		f = report(s, n->text_at, "there is no device '%s', expected '%.*s'",
			   shown(s, n->text), STR_ARG(meant));
		report_label(s, f, "QEMU exits at start: not a valid device model name");
	}
}

static bool fix_devices(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = device_model(o);
		struct str meant = n ? meant_by(n) : STR("");

		if (meant.n == 0 || n->text_at.off != f->at.off ||
		    n->text_at.len != n->text.n)
			continue;
		plan_title(p, "%.*s", STR_ARG(meant));
		return plan_replace(p, n->text_at, meant);
	}
	return false;
}

/* ---- qemu-unknown-key ---- */

struct confused {
	const char *option, *wrong, *right;
};

struct keys {
	const char *option;
	bool all;
	const char *names;
};

static const struct keys key_tables[] = {
#define KEYS(option, all, names) { (option), (all), (names) },
#include "rules/qemu_keys.def"
#undef KEYS
};

/* Keys that one option has and another calls otherwise. */
static const struct confused confused[] = {
	{ "device", "macaddr", "mac" }, { "device", "ifname", NULL },
	{ "nic", "macaddr", "mac" },    { "drive", "read_only", "read-only" },
	{ "m", "mem", "size" },         { "m", "max", "maxmem" },
	{ "m", "slot", "slots" },       { "smp", "core", "cores" },
	{ "smp", "socket", "sockets" }, { "smp", "thread", "threads" },
	{ "smp", "cpu", "cpus" },       { "smp", "maxcpu", "maxcpus" },
	{ "smp", "die", "dies" },
};

static const struct confused *wrong_key(const struct qemu_option *o,
					const struct node **at)
{
	for (size_t i = 0; o->opts && i < sizeof(confused) / sizeof(confused[0]); i++) {
		const struct confused *c = &confused[i];

		*at = str_is(o->name, c->option) ? qemu_opt(o, c->wrong) : NULL;
		if (*at)
			return c;
	}
	/* -net nic has macaddr, -net user nothing of both. */
	*at = str_is(o->name, "net") && o->opts && arg_is(o, "type", "nic")
		      ? qemu_opt(o, "mac")
		      : NULL;
	static const struct confused net = { "net", "mac", "macaddr" };

	return *at ? &net : NULL;
}

/* Nothing of it is put in later, and it is not a step into what a key holds. */
static bool is_plain_key(const struct node *n)
{
	for (size_t i = 0; i < n->key.n; i++) {
		char c = n->key.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return n->key.n > 0 && n->key_at.len == n->key.n;
}

/* A key that is of no such table; NULL: there is none, or it may be a driver's. */
static const struct node *typed_key(const struct qemu_option *o,
				    const struct keys **table, struct str *near)
{
	for (size_t i = 0; o->opts && i < sizeof(key_tables) / sizeof(key_tables[0]);
	     i++) {
		const struct keys *t = &key_tables[i];

		if (!str_is(o->name, t->option) || o->opts->syntax == SYNTAX_QEMU_JSON)
			continue;
		*table = t;
		for_each_node (n, o->opts) {
			struct nearest best;

			if (!is_plain_key(n) || str_among(n->key, t->names) ||
			    str_among(n->key, "help ?"))
				continue;
			best = near_to(n->key);
			near_look(&best, t->names);
			*near = near_word(&best, MISTAKES);
			if (t->all || near->n)
				return n;
		}
	}
	return NULL;
}

/* at, and what it has to be; *right empty: nothing that is known. */
static const char *key_flaw(const struct qemu_option *o, const struct node **at,
			    struct str *right, const struct keys **table)
{
	const struct confused *c = wrong_key(o, at);

	*table = NULL;
	*right = c && c->right ? str_of(c->right) : STR("");
	if (c)
		return c->option;
	*at = typed_key(o, table, right);
	return *at ? (*table)->option : NULL;
}

static void check_keys(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *at;
		const struct keys *table;
		struct str right;
		const char *option = key_flaw(o, &at, &right, &table);
		bool list = option && right.n == 0 && table;
		struct finding *f;

		if (!option)
			continue;
		f = report(s, at->whole, "-%s has no %s=%s%s%s", option,
			   shown(s, at->key),
			   right.n ? ", expected "
			   : list  ? ", expected one of: "
				   : "",
			   right.n ? scan_printf(s, "%.*s", STR_ARG(right))
			   : list  ? near_list(s, table->names)
				   : "",
			   right.n ? "=" : "");
		report_label(s, f, "QEMU exits at start: there is no such property");
	}
}

static bool fix_keys(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *at;
		const struct keys *table;
		struct str right;

		if (!key_flaw(o, &at, &right, &table) || at->whole.off != f->at.off)
			continue;
		if (right.n == 0)
			return plan_refuse(p, table ? "what was meant can only be guessed"
						    : "it belongs to another option");
		if (at->key_at.len != at->key.n)
			return plan_refuse(p, "it belongs to another option");
		plan_title(p, "%.*s=", STR_ARG(right));
		return plan_replace(p, at->key_at, right);
	}
	return false;
}

/* ---- qemu-boot-order ---- */

static const char *order_flaw(struct str s)
{
	bool seen[26] = { false };

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 'a' || s.p[i] > 'p')
			return "which has other letters than a to p";
		if (seen[s.p[i] - 'a'])
			return "which has a letter twice";
		seen[s.p[i] - 'a'] = true;
	}
	return NULL;
}

static void check_order(struct scan *s, const struct vm *vm)
{
	static const char *const keys[] = { "order", "once" };

	for_each_arg (o, vm) {
		for (size_t i = 0; str_is(o->name, "boot") && i < 2; i++) {
			const struct node *n = o->opts ? arg_known(o, keys[i]) : NULL;
			const char *flaw = n ? order_flaw(n->text) : NULL;
			struct finding *f;

			if (!flaw)
				continue;
			f = report(s, n->text_at, "-boot %s=%s, %s", keys[i],
				   shown(s, n->text), flaw);
			report_label(s, f, "QEMU exits at start: invalid boot device");
		}
	}
}

const struct rule rules_args_names[] = {
	{ .id = "qemu-boot-order",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an order of boot devices that QEMU does not take",
	  .why = "-boot takes letters: a and b are floppies, c the first disk, d the CD-ROM, "
		 "n the network, each of them once. QEMU exits at start.",
	  .steps =
		  "-boot d starts from the CD-ROM, -boot once=d,order=c does so once. With "
		  "bootindex= at the devices each has a place of its own.",
	  .source = "QEMU, bootdevice.c, validate_bootdevices()",
	  .since = "0.1.0",
	  CHECK(vm, check_order) },
	{ .id = "qemu-unknown-device",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a device that QEMU does not have",
	  .why = "The model is one letter away from one that there is: QEMU exits at start.",
	  .steps = "`qemu-system-ARCH -device help` lists the models.",
	  .source = "QEMU, softmmu/qdev-monitor.c, qdev_get_device_class()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_devices, fix_devices) },
	{ .id = "qemu-unknown-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a key that this option of QEMU does not have",
	  .why = "Options call the same thing by different names: -net nic has macaddr=, and "
		 "-device and -nic have mac=. Or it is a typing mistake. QEMU exits at start.",
	  .steps = "-device MODEL,help lists the keys of a device.",
	  .source = "QEMU, qapi/net.json; net/net.c; hw/core/machine.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_keys, fix_keys) },
	{ .id = "qemu-unknown-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a value that QEMU does not take",
	  .why = "It is none of those that there are: QEMU exits at start.",
	  .steps = "Take one of those that are named.",
	  .source = "QEMU, qapi/; qemu-options.hx",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_values, fix_values) },
};
RULES_END(args_names);
