/* Quickemu's settings: what it refuses, and what it does not do with them.
 * https://github.com/quickemu-project/quickemu, the script itself (4.9.9).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/qemu_size.h"
#include "rules/near.h"
#include "rules/rules.h"
#include "base/banned.h"

/* The assignment that counts; NULL: there is none, or it cannot be told. */
static const struct node *setting(const struct vm *vm, const char *key)
{
	const struct node *found = NULL;

	for_each_node (n, vm->node) {
		if (str_is(n->key, key))
			found = n;
	}
	return found && found->kind == NODE_SCALAR && found->text.n > 0 &&
			       !text_is_variable(found->text)
		       ? found
		       : NULL;
}

static bool is_set_to(const struct vm *vm, const char *key, const char *value)
{
	const struct node *n = setting(vm, key);

	return n && str_is(n->text, value);
}

/* ---- quickemu-format-ignored ---- */

static bool has_fixed_format(const struct vm *vm)
{
	return is_set_to(vm, "guest_os", "macos") ||
	       is_set_to(vm, "guest_os", "kolibrios") ||
	       is_set_to(vm, "guest_os", "batocera") ||
	       is_set_to(vm, "guest_os", "windows-server");
}

static void check_format(struct scan *s, const struct vm *vm)
{
	const struct node *format = setting(vm, "disk_format");
	struct finding *f;

	if (vm->flavour != FLAVOUR_QUICKEMU || !format || !has_fixed_format(vm) ||
	    str_is(format->text, "qcow2"))
		return;
	f = report(s, format->text_at,
		   "disk_format is '%s', and Quickemu opens the disk of guest_os='%s' as "
		   "qcow2",
		   shown(s, format->text), shown(s, setting(vm, "guest_os")->text));
	report_label(s, f, "QEMU exits: Image is not in qcow2 format");
	report_related(s, f, setting(vm, "guest_os")->text_at, "the guest");
}

/* ---- quickemu-installer-dropped ---- */

static void check_installer(struct scan *s, const struct vm *vm)
{
	const struct node *iso = setting(vm, "iso"), *why = setting(vm, "preallocation");
	struct finding *f;

	if (vm->flavour != FLAVOUR_QUICKEMU)
		return;
	iso = iso ? iso : setting(vm, "img");
	if (!iso || is_set_to(vm, "guest_os", "kolibrios"))
		return;
	if (!why || str_is(why->text, "off"))
		why = is_set_to(vm, "disk_format", "raw") ? setting(vm, "disk_format")
							  : NULL;
	if (!why)
		return;
	f = report(s, why->text_at,
		   "%.*s=%s: once the disk is there, Quickemu takes it for installed",
		   STR_ARG(why->key), shown(s, why->text));
	report_label(s, f, "from the second start on, the installer is not attached");
	report_related(s, f, iso->text_at, "the installer");
}

/* ---- quickemu-unknown-value ---- */

struct key {
	const char *name, *values;
	bool exits;
};

static const struct key keys[] = {
#define QUICKEMU(name, values, exits) { (name), (values), (exits) },
#define QUICKEMU_NEAR(name, values, otherwise)
#define QUICKEMU_NAMES(names)
#include "rules/quickemu.def"
#undef QUICKEMU
#undef QUICKEMU_NEAR
#undef QUICKEMU_NAMES
};

enum { NKEYS = sizeof(keys) / sizeof(keys[0]), NNUMBERS = 5, CPU_CORES = 4 };

static const char *const numbers[NNUMBERS] = { "ssh_port", "spice_port",
					       "monitor_telnet_port",
					       "serial_telnet_port", "cpu_cores" };

static void check_values(struct scan *s, const struct vm *vm)
{
	const struct node *n;
	struct finding *f;

	if (vm->flavour != FLAVOUR_QUICKEMU)
		return;
	for (size_t i = 0; i < NKEYS; i++) {
		n = setting(vm, keys[i].name);
		if (!n || str_among(n->text, keys[i].values))
			continue;
		f = report(s, n->text_at, "%s is '%s', expected one of: %s", keys[i].name,
			   shown(s, n->text), near_list(s, keys[i].values));
		f->arg = i;
		report_label(s, f, "%s",
			     keys[i].exits ? "Quickemu exits: it does not know the value"
					   : "Quickemu goes on as if nothing was set");
		if (!keys[i].exits)
			report_lower(f);
	}
	for (size_t i = 0; i < NNUMBERS; i++) {
		uint64_t number;

		n = setting(vm, numbers[i]);
		if (!n || str_u64(n->text, &number) ||
		    (i != CPU_CORES && str_is(n->text, "none")))
			continue;
		f = report(s, n->text_at, "%s is '%s', expected a number", numbers[i],
			   shown(s, n->text));
		report_label(s, f, "%s",
			     i == CPU_CORES
				     ? "QEMU exits at start: it is no number of cores"
				     : "Quickemu exits: it is no port");
		f->arg = NKEYS + i;
	}
}

/* What stands before a comma: display="sdl,gl=on", ssh_port="22220,". */
static bool fix_values(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *n =
		setting(vm, f->arg < NKEYS ? keys[f->arg].name : numbers[f->arg - NKEYS]);
	const char *comma = n ? memchr(n->text.p, ',', n->text.n) : NULL;
	struct str value;
	uint64_t number;

	if (!comma)
		return plan_refuse(p, "what was meant can only be guessed");
	value = (struct str){ n->text.p, (size_t)(comma - n->text.p) };
	if (f->arg < NKEYS ? !str_among(value, keys[f->arg].values)
			   : !str_u64(value, &number))
		return plan_refuse(p, "what was meant can only be guessed");
	if (n->text_at.len != n->text.n)
		return plan_refuse(p, "its value is written with escapes");
	plan_title(p, "%.*s=%.*s", STR_ARG(n->key), STR_ARG(value));
	return plan_replace(p, n->text_at, value);
}

/* ---- quickemu-near-value ---- */

struct near_key {
	const char *name, *values, *otherwise;
};

static const struct near_key near_keys[] = {
#define QUICKEMU(name, values, exits)
#define QUICKEMU_NEAR(name, values, otherwise) { (name), (values), (otherwise) },
#define QUICKEMU_NAMES(names)
#include "rules/quickemu.def"
#undef QUICKEMU
#undef QUICKEMU_NEAR
#undef QUICKEMU_NAMES
};

enum { NNEAR = sizeof(near_keys) / sizeof(near_keys[0]) };

/* The script looks for a part of the word, or does not look at this setting at all. */
static bool is_taken(const struct vm *vm, const struct near_key *k, struct str text)
{
	bool macos = is_set_to(vm, "guest_os", "macos");

	if (str_is(str_of(k->name), "boot"))
		return macos || str_has(text, "efi");
	if (str_is(str_of(k->name), "guest_os"))
		return str_ends(text, "bsd") || str_ends(text, "solaris");
	return !macos;
}

/* What the value of this setting is a typing mistake of; empty: it is none. */
static struct str near_value(const struct vm *vm, const struct near_key *k,
			     const struct node **n)
{
	char low[NEAR_WORD_MAX];
	struct str text;

	*n = setting(vm, k->name);
	if (!*n || (*n)->text.n >= sizeof(low))
		return STR("");
	/* The script takes the guest in any case. */
	text = (struct str){ low, (*n)->text.n };
	for (size_t i = 0; i < text.n; i++) {
		char c = (*n)->text.p[i];

		low[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	if (is_taken(vm, k, text) || str_among(text, k->values))
		return STR("");
	return near_among(text, k->values);
}

static void check_near(struct scan *s, const struct vm *vm)
{
	for (size_t i = 0; vm->flavour == FLAVOUR_QUICKEMU && i < NNEAR; i++) {
		const struct node *n;
		struct str meant = near_value(vm, &near_keys[i], &n);
		struct finding *f;

		if (meant.n == 0)
			continue;
		f = report(s, n->text_at, "%s is '%s', expected '%.*s'",
			   near_keys[i].name, shown(s, n->text), STR_ARG(meant));
		report_label(s, f, "%s", near_keys[i].otherwise);
		f->arg = i;
	}
}

static bool fix_near(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *n;
	struct str meant = near_value(vm, &near_keys[f->arg], &n);

	if (meant.n == 0 || n->text_at.len != n->text.n)
		return plan_refuse(p, "its value is written with escapes");
	plan_title(p, "%.*s=%.*s", STR_ARG(n->key), STR_ARG(meant));
	return plan_replace(p, n->text_at, meant);
}

/* ---- quickemu-size ---- */

static const char *const sizes[] = { "ram", "disk_size" };

/* Nothing that QEMU could read: "lots", "4 GiB of it". Blanks and signs are left alone. */
static bool is_no_size(struct str s)
{
	uint64_t bytes;
	char first = s.p[0];

	if (qemu_size(s, 1, &bytes) || memchr(" +.", first, 3))
		return false;
	if (first < '0' || first > '9')
		return true;
	return !memchr(s.p, '.', s.n) && !str_starts(s, "0x") && !str_starts(s, "0X");
}

static void check_size(struct scan *s, const struct vm *vm)
{
	for (size_t i = 0; vm->flavour == FLAVOUR_QUICKEMU && i < 2; i++) {
		const struct node *n = setting(vm, sizes[i]);
		size_t meant = n ? qemu_size_meant(n->text) : 0;
		struct finding *f;

		if (!n || (meant == 0 && !is_no_size(n->text)))
			continue;
		f = report(s, n->text_at, "%s is '%s', expected %s", sizes[i],
			   shown(s, n->text),
			   meant ? scan_printf(s, "'%.*s'", (int)meant, n->text.p)
				 : "a size such as 16G");
		report_label(s, f, "%s",
			     i ? "qemu-img makes no disk: invalid image size"
			       : "QEMU exits at start: a size ends with k, M or G");
		f->arg = i;
	}
}

static bool fix_size(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct node *n = setting(vm, sizes[f->arg]);

	if (n && qemu_size_meant(n->text) == 0)
		return plan_refuse(p, "what was meant can only be guessed");
	if (!n || n->text_at.len != n->text.n)
		return plan_refuse(p, "its value is written with escapes");
	plan_title(p, "%s=%.*s", sizes[f->arg], (int)qemu_size_meant(n->text), n->text.p);
	return plan_replace(p, n->text_at,
			    (struct str){ n->text.p, qemu_size_meant(n->text) });
}

/* ---- quickemu-unknown-key ---- */

static const char names[] =
#define QUICKEMU(name, values, exits)
#define QUICKEMU_NEAR(name, values, otherwise)
#define QUICKEMU_NAMES(names) names
#include "rules/quickemu.def"
	;
#undef QUICKEMU
#undef QUICKEMU_NEAR
#undef QUICKEMU_NAMES

/* The script's own variable. */
static bool is_used(struct scan *s, struct str name)
{
	struct str text = str_view(scan_unit(s)->text);

	return str_has(text, scan_printf(s, "$%.*s", STR_ARG(name))) ||
	       str_has(text, scan_printf(s, "${%.*s", STR_ARG(name)));
}

enum { NAMES_MAX = 256 }; /* that are looked at */

static void check_names(struct scan *s, const struct vm *vm)
{
	size_t left = NAMES_MAX;

	if (vm->flavour != FLAVOUR_QUICKEMU)
		return;
	for_each_node (n, vm->node) {
		struct nearest best = near_to(n->key);
		struct str meant;
		struct finding *f;

		if (n->key.n < 3 || str_among(n->key, names))
			continue;
		if (left-- == 0)
			return;
		if (is_used(s, n->key))
			continue;
		near_look(&best, names);
		meant = near_word(&best, 1);
		if (meant.n == 0)
			continue;
		f = report(s, n->key_at, "there is no setting '%s', expected '%.*s'",
			   shown(s, n->key), STR_ARG(meant));
		report_label(s, f, "Quickemu goes on as if it was not there");
	}
}

const struct rule rules_quickemu[] = {
	{ .id = "quickemu-format-ignored",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a disk format that Quickemu does not use for this guest",
	  .why = "For macos, windows-server, kolibrios and batocera Quickemu writes "
		 "format=qcow2 whatever disk_format says: it makes a disk of one format, "
		 "and QEMU opens it as another one.",
	  .steps =
		  "qemu-img convert -O qcow2 the disk, name the new file in disk_img, and "
		  "leave disk_format out.",
	  .source = "quickemu, configure_storage(); quickemu-project/quickemu#1895",
	  .since = "0.1.0",
	  CHECK(vm, check_format) },
	{ .id = "quickemu-installer-dropped",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "an installer that is there at the first start only",
	  .why = "Quickemu takes a disk file of more than 1.5 MB for an installed system, "
		 "and leaves iso and img out. A raw or preallocated disk is larger from "
		 "the moment on that it is made.",
	  .steps = "To install again: quickemu --vm NAME.conf --delete-disk. A qcow2 "
		   "without preallocation stays small until something is installed.",
	  .source = "quickemu, configure_storage(); quickemu-project/quickemu#685, #374",
	  .since = "0.1.0",
	  CHECK(vm, check_installer) },
	{ .id = "quickemu-near-value",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a value that is nearly one that Quickemu knows",
	  .why = "Quickemu does not refuse a guest_os, a macos_release or a boot that it does "
		 "not know: the VM gets the devices for guests that nobody knows, those for "
		 "the oldest releases of macOS, or a BIOS.",
	  .steps = "Correct the word. Those that there are: quickemu_conf(5).",
	  .source = "quickemu, configure_os_quirks(), configure_bios()",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_near, fix_near) },
	{ .id = "quickemu-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a size that QEMU does not take",
	  .why = "Quickemu hands ram to QEMU and disk_size to qemu-img as they are. Sizes are "
		 "a number and k, M, G or T, without a B or iB behind it: the VM does not "
		 "start.",
	  .source = "quickemu, configure_ram(), configure_storage(); QEMU, util/cutils.c",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_size, fix_size) },
	{ .id = "quickemu-unknown-key",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a setting that Quickemu does not have",
	  .why = "The config is a piece of shell: a name with a typing mistake is a variable "
		 "that nobody reads, and the default counts instead.",
	  .steps = "Correct the name. Those that there are: quickemu_conf(5).",
	  .source = "quickemu_conf(5); quickemu, MAIN",
	  .since = "0.1.0",
	  CHECK(vm, check_names) },
	{ .id = "quickemu-unknown-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a value that Quickemu does not know",
	  .why = "Quickemu exits before it starts the VM (or QEMU does, for cpu_cores), or, "
		 "for usb_controller, keyboard and mouse, goes on as if there was none.",
	  .source = "quickemu 4.9.9; quickemu_conf(5)",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_values, fix_values) },
};
RULES_END(quickemu);
