/* What a command line of QEMU opens to others: monitors, screens, consoles, secrets.
 * QEMU, docs/system/security.rst: a monitor is as much as the user who runs QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* An address of all interfaces, or none, which is the same. */
static bool is_any(struct str host)
{
	return host.n == 0 || str_among(host, "0 0.0.0.0 :: [::] *");
}

/* tcp:HOST:PORT,... or telnet:, websocket:. Where the host stands in the word. */
struct listener {
	size_t from, to;
};

static bool has_flag(struct str rest, const char *name)
{
	while (rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct str one = { rest.p, comma ? (size_t)(comma - rest.p) : rest.n };

		if (str_starts(one, name) &&
		    (one.n == strlen(name) ||
		     str_is((struct str){ one.p + strlen(name), one.n - strlen(name) },
			    "=on")))
			return true;
		rest.p += one.n + (comma ? 1 : 0);
		rest.n -= one.n + (comma ? 1 : 0);
	}
	return false;
}

static bool listens(struct str s, bool always, struct listener *out)
{
	static const char *const schemes[] = { "tcp:", "telnet:", "websocket:" };
	size_t from = 0, end;
	const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;

	end = comma ? (size_t)(comma - s.p) : s.n;
	if (!always &&
	    (!comma || !has_flag((struct str){ comma + 1, s.n - end - 1 }, "server")))
		return false;
	if (str_starts(s, "mon:"))
		from = 4;
	for (size_t i = 0; i < 3; i++) {
		struct str rest = { s.p + from, s.n - from };

		if (!str_starts(rest, schemes[i]))
			continue;
		out->from = from + strlen(schemes[i]);
		out->to = end;
		while (out->to > out->from && s.p[out->to - 1] != ':')
			out->to--;
		/* "tcp:4444" has no host, and is refused. */
		if (out->to == out->from)
			return false;
		out->to--;
		return is_any((struct str){ s.p + out->from, out->to - out->from });
	}
	return false;
}

static bool is_word_monitor(const struct qemu_option *o)
{
	return str_among(o->name, "monitor qmp qmp-pretty") ||
	       (str_is(o->name, "serial") && str_starts(arg_text(o), "mon:"));
}

/* A -chardev that waits for connections on all interfaces. */
static bool chardev_listens(const struct qemu_option *o)
{
	const struct node *host = qemu_opt(o, "host");

	return str_is(o->name, "chardev") && o->opts && !arg_open(o) &&
	       arg_is(o, "backend", "socket") && qemu_opt(o, "port") &&
	       arg_is_on(o, "server") && arg_absent(o, "tls-creds") &&
	       (!host || (host->kind == NODE_SCALAR && is_any(host->text)));
}

static bool is_mon_of(const struct vm *vm, const struct qemu_option *chardev)
{
	const struct node *id = arg_known(chardev, "id");

	for_each_arg (o, vm) {
		const struct node *n =
			str_is(o->name, "mon") ? arg_known(o, "chardev") : NULL;

		if (n && id && str_eq(n->text, id->text))
			return true;
	}
	return false;
}

static bool set_host(struct plan *p, const struct qemu_option *o, bool always)
{
	struct listener l;

	plan_title(p, "127.0.0.1");
	if (listens(arg_text(o), always, &l))
		return plan_word(p, o->value, l.from, l.to, STR("127.0.0.1"));
	if (!o->opts || !o->value || o->opts->syntax != SYNTAX_QEMU)
		return false;
	if (qemu_opt(o, "host"))
		return plan_replace(p, qemu_opt(o, "host")->text_at, STR("127.0.0.1"));
	return plan_word(p, o->value, o->value->text.n, o->value->text.n,
			 STR(",host=127.0.0.1"));
}

/* The option whose word or value is at the finding's place. */
static const struct qemu_option *option_at(const struct vm *vm, struct span at)
{
	for_each_arg (o, vm) {
		if ((o->value ? o->value->at.off : o->word->at.off) == at.off)
			return o;
	}
	return NULL;
}

static struct span place_of(const struct qemu_option *o)
{
	return o->value ? o->value->at : o->word->at;
}

/* ---- qemu-monitor-open ---- */

static void check_monitor(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct listener l;
		struct finding *f;
		bool word = is_word_monitor(o) && listens(arg_text(o), false, &l);

		if (!word && !(chardev_listens(o) && is_mon_of(vm, o)))
			continue;
		f = report(s, place_of(o), "a monitor that listens on all addresses");
		report_label(
			s, f,
			"who connects controls the VM, and runs programs as its user");
	}
}

static bool fix_monitor(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *o = option_at(vm, f->at);

	return o && set_host(p, o, false);
}

/* ---- qemu-port-open ---- */

static const char *opened(const struct vm *vm, const struct qemu_option *o)
{
	struct listener l;

	if (str_is(o->name, "s"))
		return "gdb's stub";
	if (str_is(o->name, "gdb") && listens(arg_text(o), true, &l))
		return "gdb's stub";
	if (str_is(o->name, "incoming") && listens(arg_text(o), true, &l))
		return "a migration";
	if (str_among(o->name, "serial parallel") && !is_word_monitor(o) &&
	    listens(arg_text(o), false, &l))
		return "a console";
	if (chardev_listens(o) && !is_mon_of(vm, o))
		return "a channel";
	return NULL;
}

static void check_port(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const char *what = opened(vm, o);
		struct finding *f;

		if (!what)
			continue;
		f = report(s, place_of(o), "%s listens on all addresses", what);
		/* Who debugs a kernel writes it all day; it has no other form. */
		if (str_is(o->name, "s"))
			report_lower(f);
		report_label(s, f, "%s",
			     str_among(o->name, "s gdb")
				     ? "who connects reads and writes the guest's memory"
			     : str_is(o->name, "incoming")
				     ? "who connects first decides what the VM is"
				     : "who connects is asked for nothing");
	}
}

static bool fix_port(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct qemu_option *o = option_at(vm, f->at);

	if (!o)
		return false;
	if (str_is(o->name, "s")) {
		if (!vm->qemu->blanks || o->word->at.len != o->word->text.n)
			return plan_refuse(p, "its word is to become two");
		plan_title(p, "-gdb tcp:127.0.0.1:1234");
		return plan_replace(p, o->word->at, STR("-gdb tcp:127.0.0.1:1234"));
	}
	return set_host(p, o, str_among(o->name, "gdb incoming"));
}

/* ---- qemu-vnc-open ---- */

/* Where the host ends in HOST:DISPLAY; false: it is something else. */
static bool vnc_host(struct str s, size_t *end)
{
	uint64_t display;

	for (*end = s.n; *end > 0 && s.p[*end - 1] != ':'; (*end)--)
		;
	if (*end == 0)
		return false;
	(*end)--;
	return str_u64((struct str){ s.p + *end + 1, s.n - *end - 1 }, &display) &&
	       is_any((struct str){ s.p, *end });
}

static const struct node *open_vnc(const struct qemu_option *o)
{
	const struct node *n = o->opts ? arg_known(o, "vnc") : NULL;
	size_t end;

	if (!n || !str_is(o->name, "vnc") || arg_open(o) || !vnc_host(n->text, &end) ||
	    qemu_opt(o, "reverse") ||
	    (qemu_opt(o, "password") && !arg_is(o, "password", "off")) ||
	    qemu_opt(o, "password-secret") || qemu_opt(o, "tls-creds") ||
	    (qemu_opt(o, "sasl") && !arg_is(o, "sasl", "off")))
		return NULL;
	return n;
}

static void check_vnc(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = open_vnc(o);
		struct finding *f;

		if (!n)
			continue;
		f = report(s, n->text_at, "VNC on all addresses, without a password");
		report_label(s, f, "who connects sees the screen, and types");
	}
}

static bool fix_vnc(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *n = open_vnc(o);
		size_t end;

		if (!n || n->text_at.off != f->at.off || !vnc_host(n->text, &end) ||
		    n->text_at.len != n->text.n)
			continue;
		plan_title(p, "127.0.0.1");
		return plan_replace(p,
				    (struct span){ n->text_at.src, n->text_at.off, end },
				    STR("127.0.0.1"));
	}
	return false;
}

/* ---- qemu-spice-open ---- */

static bool is_open_spice(const struct qemu_option *o)
{
	const struct node *addr = qemu_opt(o, "addr");

	return str_is(o->name, "spice") && o->opts && !arg_open(o) &&
	       arg_is_on(o, "disable-ticketing") && !arg_is_on(o, "unix") &&
	       !arg_is_on(o, "sasl") &&
	       (qemu_opt(o, "port") || qemu_opt(o, "tls-port")) &&
	       (!addr || (addr->kind == NODE_SCALAR && is_any(addr->text)));
}

static void check_spice(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm) {
		struct finding *f;

		if (!is_open_spice(o))
			continue;
		f = report(s, qemu_opt(o, "disable-ticketing")->whole,
			   "SPICE on all addresses, without a password");
		report_label(s, f, "who connects sees the screen, and types");
	}
}

static bool fix_spice(struct plan *p, const struct finding *f, const struct vm *vm)
{
	for_each_arg (o, vm) {
		const struct node *addr;

		if (!is_open_spice(o) || !o->value ||
		    qemu_opt(o, "disable-ticketing")->whole.off != f->at.off)
			continue;
		plan_title(p, "addr=127.0.0.1");
		addr = qemu_opt(o, "addr");
		return addr ? plan_replace(p, addr->text_at, STR("127.0.0.1"))
			    : plan_word(p, o->value, o->value->text.n, o->value->text.n,
					STR(",addr=127.0.0.1"));
	}
	return false;
}

/* ---- qemu-secret-visible ---- */

static const struct node *secret_in(const struct qemu_option *o)
{
	if (!o->opts || !o->value)
		return NULL;
	if (str_is(o->name, "spice"))
		return qemu_opt(o, "password");
	if (!str_is(o->name, "object") || !arg_is(o, "qom-type", "secret") ||
	    qemu_opt(o, "keyid"))
		return NULL;
	return qemu_opt(o, "data");
}

static void check_secret(struct scan *s, const struct vm *vm)
{
	/* libvirt has them encrypted by a key that a file holds. */
	for_each_arg (o, vm) {
		const struct node *n = secret_in(o);
		struct finding *f;

		if (!n)
			continue;
		f = report(s, n->key_at.len ? n->key_at : n->whole,
			   "a secret on QEMU's command line");
		report_label(s, f,
			     "all users of the host see it in the list of processes");
	}
}

#define SOURCE "QEMU, docs/system/security.rst"
#define LOCAL                                                                               \
	"127.0.0.1 is this machine alone, which ssh -L reaches from others; a UNIX socket " \
	"(unix:PATH,server=on,wait=off) is its owner's alone. In a container or a network " \
	"namespace of its own it may be meant."

const struct rule rules_args_open[] = {
	{ .id = "qemu-monitor-open",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a monitor of QEMU that is open to the network",
	  .why = "There is no password on it. Who connects can attach files of the host as "
		 "disks, and have programs run as the user who runs QEMU (migrate exec:).",
	  .steps = LOCAL,
	  .source = SOURCE,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_monitor, fix_monitor) },
	{ .id = "qemu-port-open",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a console, stub or migration of QEMU that is open to the network",
	  .why = "There is no password on it. gdb's stub (-s is one) reads and writes all of "
		 "the guest's memory, a console is a guest's keyboard, and who sends a "
		 "migration decides on all of its state. -s alone is a note.",
	  .steps = LOCAL,
	  .source = SOURCE,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_port, fix_port) },
	{ .id = "qemu-secret-visible",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a secret on QEMU's command line",
	  .why = "All users of the host see the arguments of processes, and logs keep them.",
	  .steps =
		  "-object secret,id=s,file=PATH reads it from a file that only QEMU's user "
		  "may read.",
	  .source = "QEMU, docs/system/secrets.rst",
	  .since = "0.1.0",
	  CHECK(vm, check_secret) },
	{ .id = "qemu-spice-open",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "SPICE without a password on all addresses",
	  .why = "disable-ticketing=on asks for no password. Who connects has the VM's "
		 "screen and keyboard, and its USB redirection.",
	  .steps = LOCAL,
	  .source = "QEMU, qemu-options.hx, -spice; docs/system/security.rst",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_spice, fix_spice) },
	{ .id = "qemu-vnc-open",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "VNC without a password on all addresses",
	  .why = "-vnc :1 listens on all addresses, not on this machine's alone. Who "
		 "connects has the VM's screen and keyboard.",
	  .steps = LOCAL,
	  .source = "QEMU, docs/system/vnc-security.rst",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_vnc, fix_vnc) },
};
RULES_END(args_open);
