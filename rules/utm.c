/* UTM's settings: what its decoder refuses, and what QEMU refuses of what UTM makes of them.
 * https://github.com/utmapp/UTM, Configuration/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/near.h"
#include "rules/rules.h"
#include "analyze/config/lens.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

/* The member that counts: the last one. */
static const struct node *member(const struct node *n, const char *key)
{
	const struct node *found = NULL;

	for_each_node (c, n) {
		if (str_is(c->key, key))
			found = c;
	}
	return found;
}

/* The text of one that is a value; p NULL: it is none. */
static struct str text_in(const struct node *n, const char *key)
{
	const struct node *c = member(n, key);

	return c && c->kind == NODE_SCALAR ? c->text : (struct str){ 0 };
}

static bool set_to(struct plan *p, const struct node *n, const char *value)
{
	const struct lens l = { .field = "value", .path = arena_str(p->arena, n->key) };
	const struct fact f = { .state = FACT_KNOWN,
				.v = n->text,
				.at = n->text_at,
				.owner = n->up,
				.lens = &l };

	return plan_set(p, &f, value);
}

static bool same_but_case(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		char x = a.p[i], y = b.p[i];

		if (x != y &&
		    ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
			return false;
	}
	return true;
}

/* ---- utm-missing-key, utm-unknown-value ---- */

struct want {
	const char *path, *key, *words; /* key NULL: words are keys, else its values */
};

static const struct want wants[] = {
#define UTM_KEYS(path, keys)          { (path), NULL, (keys) },
#define UTM_VALUES(path, key, values) { (path), (key), (values) },
#include "rules/utm.def"
#undef UTM_KEYS
#undef UTM_VALUES
};

enum { NWANTS = sizeof(wants) / sizeof(wants[0]) };

static void want_keys(struct scan *s, const struct node *n, const struct want *w)
{
	struct str rest = str_of(w->words);
	const char *list = "";
	struct finding *f;

	while (rest.n) {
		struct str key = str_word(&rest);

		if (!member(n, scan_printf(s, "%.*s", STR_ARG(key))))
			list = scan_printf(s, "%s%s'%.*s'", list, *list ? ", " : "",
					   STR_ARG(key));
	}
	if (!*list)
		return;
	f = report(s, n->open_at, "%s%s%s has no %s", n->up && n->key.n == 0 ? "a " : "",
		   *w->path ? w->path : "the configuration",
		   n->up && n->key.n == 0 ? " item" : "", list);
	report_label(s, f,
		     "UTM does not open the VM: the data couldn't be read because it is "
		     "missing");
}

static bool is_template(struct str v)
{
	return str_has(v, "{{") || str_has(v, "${") || str_has(v, "{%") ||
	       str_starts(v, "@");
}

/* The value that is the same but for upper and lower case; n 0: there is none. */
static struct str near(struct str v, const char *words)
{
	struct str rest = str_of(words);

	while (rest.n) {
		struct str one = str_word(&rest);

		if (same_but_case(one, v))
			return one;
	}
	return (struct str){ 0 };
}

static void want_value(struct scan *s, const struct node *n, const struct want *w)
{
	const struct node *value = member(n, w->key);
	struct finding *f;
	struct str meant;

	if (!value || value->kind != NODE_SCALAR || is_template(value->text))
		return;
	meant = near(value->text, w->words);
	if (meant.n && str_eq(meant, value->text))
		return;
	f = report(s, node_value_at(value), "%s is '%s', expected one of: %s", w->key,
		   shown(s, value->text), near_list(s, w->words));
	if (meant.n)
		report_label(s, f, "UTM refuses the file; did you mean '%.*s'?",
			     STR_ARG(meant));
	else
		report_label(s, f,
			     "UTM refuses the file: an invalid value of '%s' is used",
			     shown(s, value->text));
	f->arg = (uint64_t)(w - wants);
}

typedef void want_check(struct scan *s, const struct node *n, const struct want *w);

/* Every dictionary that the path leads to. As deep as the path and the lists on it.
 * NOLINTNEXTLINE(misc-no-recursion) */
static void walk(struct scan *s, const struct node *n, const char *path,
		 const struct want *w, want_check *check)
{
	const char *slash = strchr(path, '/');
	const struct node *next;

	if (n->kind == NODE_LIST) {
		for_each_node (c, n) {
			if (c->kind == NODE_MAP)
				walk(s, c, path, w, check);
		}
	} else if (n->kind == NODE_MAP && !*path) {
		check(s, n, w);
	} else if (n->kind == NODE_MAP) {
		size_t len = slash ? (size_t)(slash - path) : strlen(path);

		next = member(n, scan_printf(s, "%.*s", (int)len, path));
		if (next)
			walk(s, next, path + len + (slash ? 1 : 0), w, check);
	}
}

static void check_keys(struct scan *s, const struct utm *utm)
{
	for (size_t i = 0; utm->kind == UTM_QEMU && i < NWANTS; i++) {
		if (!wants[i].key)
			walk(s, utm->root, wants[i].path, &wants[i], want_keys);
	}
}

static void check_values(struct scan *s, const struct utm *utm)
{
	for (size_t i = 0; utm->kind == UTM_QEMU && i < NWANTS; i++) {
		if (wants[i].key)
			walk(s, utm->root, wants[i].path, &wants[i], want_value);
	}
}

static bool fix_value(struct plan *p, const struct finding *f, const struct utm *utm)
{
	const struct node *n = node_at(utm->root, f->at);
	struct str meant = near(n->text, wants[f->arg].words);

	if (meant.n == 0)
		return plan_refuse(p, "none of the values is the same but for its case");
	plan_title(p, "%.*s", STR_ARG(meant));
	return set_to(p, n, arena_str(p->arena, meant));
}

/* ---- utm-uefi-unsupported ---- */

static const struct node *uefi_of(const struct utm *utm)
{
	const struct node *in =
		member(utm->root, utm->kind == UTM_QEMU ? "QEMU" : "System");

	return in ? member(in, utm->kind == UTM_QEMU ? "UEFIBoot" : "BootUefi") : NULL;
}

static void check_uefi(struct scan *s, const struct utm *utm)
{
	static const char *const with[] = { "arm",    "aarch64",     "i386",
					    "x86_64", "loongarch64", "riscv64" };
	const struct node *uefi = uefi_of(utm);
	const struct fact *arch = &utm->vm->arch;
	struct finding *f;

	if (utm->kind == UTM_APPLE || !uefi || !str_is(uefi->text, "true") ||
	    !fact_known(arch))
		return;
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		if (fact_is(arch, with[i]))
			return;
	}
	f = report(s, uefi->open_at, "%.*s is true, and UTM has no UEFI for '%s'",
		   STR_ARG(uefi->key), shown(s, arch->v));
	report_label(s, f,
		     "UTM does not save the VM: UEFI is not supported with this "
		     "architecture");
	report_related(s, f, arch->at, "the architecture");
}

static bool fix_uefi(struct plan *p, const struct finding *f, const struct utm *utm)
{
	(void)f;
	plan_title(p, "no UEFI");
	return set_to(p, uefi_of(utm), "false");
}

/* ---- utm-drive-id-twice ---- */

enum { SAME_MAX = 256 }; /* drives, or ports, that are compared with each other */

static void check_ids(struct scan *s, const struct utm *utm)
{
	const struct vm *vm = utm->vm;

	if (utm->kind != UTM_QEMU || vm->ndisks > SAME_MAX)
		return;
	for (size_t i = 1; i < vm->ndisks; i++) {
		const struct node *id = member(vm->disks[i].node, "Identifier");

		for (size_t k = 0; id && k < i; k++) {
			const struct node *first =
				member(vm->disks[k].node, "Identifier");
			struct finding *f;

			if (!first || !str_eq(id->text, first->text))
				continue;
			f = report(s, node_value_at(id), "two drives are '%s'",
				   shown(s, id->text));
			report_label(s, f, "QEMU exits: Duplicate ID 'drive%s' for drive",
				     shown(s, id->text));
			report_related(s, f, node_value_at(first), "the other one");
			break;
		}
	}
}

/* ---- utm-set-unknown-drive ---- */

/* "drive.ID.": false for what is about something else, or cannot be told. */
static bool set_drive(const struct qemu_option *o, size_t *from, size_t *to)
{
	static const char group[] = "drive.";
	const struct word *w = o->value;
	const char *dot;

	*from = sizeof(group) - 1;
	if (!str_is(o->name, "set") || !w || word_unknown(w, 0, w->text.n) ||
	    !str_starts(w->text, group))
		return false;
	dot = memchr(w->text.p + *from, '.', w->text.n - *from);
	*to = dot ? (size_t)(dot - w->text.p) : 0;
	return dot && *to > *from;
}

static bool is_drive_id(struct str id, struct str identifier)
{
	return str_starts(id, "drive") &&
	       str_eq((struct str){ id.p + 5, id.n - 5 }, identifier);
}

static bool is_known(const struct utm *utm, struct str id)
{
	const struct qemu_command *c = utm->vm->args->qemu;

	for (size_t i = 0; i < utm->vm->ndisks; i++) {
		if (is_drive_id(id, text_in(utm->vm->disks[i].node, "Identifier")))
			return true;
	}
	for (size_t i = 0; i < c->noptions; i++) {
		const struct node *n = qemu_opt(&c->options[i], "id");

		if (n && (n->kind != NODE_SCALAR || str_eq(n->text, id)))
			return true;
	}
	return false;
}

/* The Identifier that was meant; p NULL: none. Of others, QEMU makes ids by itself. */
static struct str meant_id(const struct utm *utm, struct str id)
{
	struct str rest = id;

	if (str_starts(id, "drive"))
		rest = (struct str){ id.p + 5, id.n - 5 };
	for (size_t i = 0; i < utm->vm->ndisks; i++) {
		struct str is = text_in(utm->vm->disks[i].node, "Identifier");

		if (is.n && (same_but_case(is, id) || same_but_case(is, rest)))
			return is;
	}
	return (struct str){ 0 };
}

static void check_set(struct scan *s, const struct utm *utm)
{
	const struct qemu_command *c = utm->vm->args ? utm->vm->args->qemu : NULL;
	size_t from, to;

	if (utm->kind != UTM_QEMU || !c || c->unknown)
		return;
	for (size_t i = 0; i < c->noptions; i++) {
		struct finding *f;
		struct str id, is;

		if (!set_drive(&c->options[i], &from, &to))
			continue;
		id = (struct str){ c->options[i].value->text.p + from, to - from };
		is = meant_id(utm, id);
		if (is_known(utm, id) || (is.n == 0 && !str_starts(id, "drive")))
			continue;
		f = report(s, word_span(c->options[i].value, from, to),
			   "-set is about drive '%s', which this VM does not have",
			   shown(s, id));
		if (is.n)
			report_label(s, f, "did you mean 'drive%s'?", shown(s, is));
		else
			report_label(s, f, "QEMU exits: there is no drive \"%s\" defined",
				     shown(s, id));
		f->arg = i;
	}
}

static bool fix_set(struct plan *p, const struct finding *f, const struct utm *utm)
{
	const struct qemu_option *o = &utm->vm->args->qemu->options[f->arg];
	size_t from, to;
	struct str is;

	if (!set_drive(o, &from, &to))
		return false;
	is = meant_id(utm, (struct str){ o->value->text.p + from, to - from });
	if (is.n == 0)
		return plan_refuse(p, "no drive has a similar Identifier");
	plan_title(p, "drive%.*s", STR_ARG(is));
	return plan_word(p, o->value, from, to,
			 str_of(arena_printf(p->arena, "drive%.*s", STR_ARG(is))));
}

/* ---- utm-quotes-in-word ---- */

/* Between quotes as a whole, UTM takes them away, in every version. */
static bool has_inner_quotes(const struct qemu_option *o)
{
	struct str v = o->value ? o->value->text : (struct str){ 0 };

	return o->opts && memchr(v.p, '"', v.n) && !str_starts(v, "{") &&
	       !word_unknown(o->value, 0, v.n);
}

static void check_quotes(struct scan *s, const struct utm *utm)
{
	const struct qemu_command *c = utm->vm->args ? utm->vm->args->qemu : NULL;
	bool old = utm->version.known && version_cmp(&utm->version, 4, 7, 2) < 0;

	for (size_t i = 0; c && !old && i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];
		struct finding *f;

		if (!has_inner_quotes(o))
			continue;
		f = report(s, o->value->at, "quotes within '%s'",
			   shown(s, o->value->text));
		report_label(s, f,
			     "from UTM 4.7.2 on they are a part of the value: before, "
			     "they were taken away");
		if (!utm->version.known)
			report_lower(f);
		f->arg = i;
	}
}

static bool fix_quotes(struct plan *p, const struct finding *f, const struct utm *utm)
{
	const struct word *w = utm->vm->args->qemu->options[f->arg].value;
	struct buf b = { 0 };
	bool blanks = false;
	const char *text;

	if (w->fixed || !w->outer)
		return plan_refuse(p, "its word cannot be edited");
	for (size_t i = 0; i < w->text.n; i++) {
		blanks = blanks || strchr(" \t\r\n", w->text.p[i]);
		if (w->text.p[i] != '"')
			buf_char(&b, w->text.p[i]);
	}
	text = arena_printf(p->arena, blanks ? "\"%.*s\"" : "%.*s", (int)b.n, b.p);
	buf_free(&b);
	plan_title(p, "quotes around the whole word");
	return plan_word(p, w->outer, (size_t)w->inner->at.off,
			 (size_t)span_end(w->inner->at), str_of(text));
}

/* ---- utm-port-twice ---- */

/* A port that QEMU listens on for this VM; with vmnet nobody does. */
static bool is_listening(const struct node *net, const struct node *forward)
{
	return forward->kind == NODE_MAP && str_is(text_in(net, "Mode"), "Emulated") &&
	       str_is(text_in(forward, "Protocol"), "TCP") &&
	       text_in(forward, "HostPort").n > 0;
}

static bool same_port(const struct node *a, const struct node *b)
{
	return str_eq(text_in(a, "HostPort"), text_in(b, "HostPort")) &&
	       str_eq(text_in(a, "HostAddress"), text_in(b, "HostAddress"));
}

/* The ports of all its networks, as many as are compared. */
static size_t ports_of(const struct utm *utm, const struct node **ports)
{
	const struct node *nets = member(utm->root, "Network");
	size_t n = 0;

	for (const struct node *net = nets ? nets->first : NULL; net; net = net->next) {
		const struct node *list =
			net->kind == NODE_MAP ? member(net, "PortForward") : NULL;

		for (const struct node *c = list ? list->first : NULL; c && n < SAME_MAX;
		     c = c->next) {
			if (is_listening(net, c))
				ports[n++] = c;
		}
	}
	return n;
}

static void check_ports(struct scan *s, const struct utm *utm)
{
	const struct node *ports[SAME_MAX];
	size_t n = utm->kind == UTM_QEMU ? ports_of(utm, ports) : 0;

	for (size_t i = 1; i < n; i++) {
		const struct node *port = member(ports[i], "HostPort");
		struct finding *f;
		size_t k = 0;

		while (k < i && !same_port(ports[i], ports[k]))
			k++;
		if (k == i)
			continue;
		f = report(s, node_value_at(port),
			   "port %s of the host is forwarded twice",
			   shown(s, port->text));
		report_label(s, f, "QEMU exits: Could not set up host forwarding rule");
		report_related(s, f, node_value_at(member(ports[k], "HostPort")),
			       "the other one");
	}
}

/* ---- utm-apple-linux-virtio ---- */

static bool is_linux(const struct utm *utm)
{
	const struct node *in = member(utm->root, "System");
	const struct node *boot = in ? member(in, "Boot") : NULL;

	return boot && str_is(text_in(boot, "OperatingSystem"), "Linux");
}

static void check_virtio(struct scan *s, const struct utm *utm)
{
	if (utm->kind != UTM_APPLE || !is_linux(utm))
		return;
	for (size_t i = 0; i < utm->vm->ndisks; i++) {
		const struct disk *d = &utm->vm->disks[i];
		struct finding *f;

		if (!fact_is(&d->bus, "virtio") || !fact_known(&d->source) ||
		    !fact_absent(&d->readonly))
			continue;
		f = report(
			s, d->source.at,
			"'%s' is a VirtIO disk of a Linux guest, with Apple's framework",
			shown(s, d->source.v));
		report_label(s, f,
			     "file systems on such disks were damaged: a safer way "
			     "depends on the versions of UTM and macOS");
	}
}

const struct rule rules_utm[] = {
	{ .id = "utm-apple-linux-virtio",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a Linux guest's VirtIO disk with Apple's framework",
	  .why = "Linux guests have lost data on VirtIO disks of Apple's Virtualization "
		 "framework: file systems turned read-only, and had to be repaired. UTM "
		 "4.5 has ways around it: it asks for cached disks from macOS 12 on, and "
		 "makes new disks NVMe on macOS 14.",
	  .steps = "Use UTM 4.5 or later. On macOS 14: with the VM shut down, and a copy "
		   "of its disk made, set Nvme to true. The disk is then /dev/nvme0n1: "
		   "fstab and root= must name file systems by UUID or label.",
	  .source = "utmapp/UTM#4840, #5919",
	  .since = "0.1.0",
	  CHECK(utm, check_virtio) },
	{ .id = "utm-drive-id-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two drives with one Identifier",
	  .why = "UTM names QEMU's drives by their Identifier, and QEMU exits: Duplicate "
		 "ID for drive. It is what is left of copying a drive in the file.",
	  .steps = "Give the copy an Identifier of its own: uuidgen makes one. What the "
		   "Registry of UTM's preferences knows of the drive, such as its ISO, "
		   "stays with the old one.",
	  .source = "UTM, UTMQemuConfiguration+Arguments.swift; QEMU, util/qemu-option.c",
	  .since = "0.1.0",
	  CHECK(utm, check_ids) },
	{ .id = "utm-missing-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a key that UTM wants is not there",
	  .why = "UTM decodes config.plist strictly: all but a few keys have to be there, "
		 "or the VM is not opened: the data couldn't be read because it is "
		 "missing.",
	  .steps = "Add the keys as a VM has them that UTM made: lists and dictionaries "
		   "may be empty.",
	  .source = "UTM, Configuration/UTMQemuConfiguration*.swift, init(from:)",
	  .since = "0.1.0",
	  CHECK(utm, check_keys) },
	{ .id = "utm-port-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a port of the host is forwarded twice",
	  .why = "QEMU listens on each of them, and the second time the port is in use: it "
		 "exits with Could not set up host forwarding rule.",
	  .steps = "Remove one of the two, or choose another HostPort.",
	  .source = "UTM, UTMQemuConfiguration+Arguments.swift; QEMU, net/slirp.c",
	  .since = "0.1.0",
	  CHECK(utm, check_ports) },
	{ .id = "utm-quotes-in-word",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "quotes within a word of QEMU's arguments",
	  .why = "UTM took all quotes away before version 4.7.2, and since then only those "
		 "around a whole word: QEMU gets the others, as a part of a file's name "
		 "for instance, and does not find the file.",
	  .steps = "Quotes around the whole word mean the same in every version: "
		   "\"file=/a b.iso,media=cdrom\".",
	  .source = "utmapp/UTM#6343; UTM, UTMQemuConfiguration+Arguments.swift",
	  .since = "0.1.0",
	  CHECK_FIX(utm, check_quotes, fix_quotes) },
	{ .id = "utm-set-unknown-drive",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "-set for a drive that the VM does not have",
	  .why = "UTM's drives are 'drive' and their Identifier. Of another one QEMU "
		 "says: there is no drive defined, and exits.",
	  .source = "UTM, UTMQemuConfiguration+Arguments.swift; QEMU, softmmu/vl.c, "
		    "qemu_set_option()",
	  .since = "0.1.0",
	  CHECK_FIX(utm, check_set, fix_set) },
	{ .id = "utm-uefi-unsupported",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "UEFI for an architecture that UTM has none for",
	  .why = "UTM brings EDK2 along for Arm, x86, LoongArch and RISC-V with 64 bits. "
		 "With another one it can neither save the VM, UEFI is not supported with "
		 "this architecture, nor in old versions start it.",
	  .source = "utmapp/UTM#3976, #4265; UTM, UTMQemuConfigurationQEMU.swift, "
		    "uefiImagePrefix()",
	  .since = "0.1.0",
	  CHECK_FIX(utm, check_uefi, fix_uefi) },
	{ .id = "utm-unknown-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a value that UTM does not take",
	  .why = "UTM knows a few values for these keys, in upper and lower case as "
		 "shown. Of others it says that an invalid value is used in the "
		 "configuration file, and does not open the VM.",
	  .steps = "Only what is the same but for its case is mended.",
	  .source = "UTM, Configuration/QEMUConstant.swift, QEMUConstantGenerated.swift",
	  .since = "0.1.0",
	  CHECK_FIX(utm, check_values, fix_value) },
};
RULES_END(utm);
