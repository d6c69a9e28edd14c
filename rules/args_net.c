/* Networks of a command line of QEMU: addresses and forwarded ports.
 * QEMU: net/slirp.c, slirp_hostfwd(); net/util.c, net_parse_macaddr().
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/args.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- qemu-mac ---- */

/* Six numbers of at most two hexadecimal digits, ':' or '-' between them. */
static bool mac_of(struct str s, unsigned char out[6])
{
	unsigned v = 0, digits = 0;
	size_t n = 0;

	for (size_t i = 0; i <= s.n; i++) {
		char c = i < s.n ? s.p[i] : ':';

		if (c == ':' || c == '-') {
			if (digits == 0 || n == 6)
				return false;
			out[n++] = (unsigned char)v;
			v = digits = 0;
			continue;
		}
		if (!((c >= '0' && c <= '9') ||
		      ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) ||
		    ++digits > 2)
			return false;
		v = v * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n == 6;
}

static const struct node *mac_in(const struct qemu_option *o)
{
	if (str_is(o->name, "device") || str_is(o->name, "nic"))
		return arg_known(o, "mac");
	return str_is(o->name, "net") && arg_is(o, "type", "nic")
		       ? arg_known(o, "macaddr")
		       : NULL;
}

static const struct node *same_mac(const struct vm *vm, const struct qemu_option *option,
				   const unsigned char mac[6])
{
	unsigned char other[6];

	for_each_arg (o, vm) {
		const struct node *n;

		if (o == option)
			break;
		n = mac_in(o);
		if (n && mac_of(n->text, other) && memcmp(mac, other, 6) == 0)
			return n;
	}
	return NULL;
}

static void check_mac_of(struct scan *s, const struct vm *vm, const struct qemu_option *o)
{
	const struct node *n = mac_in(o), *first;
	unsigned char mac[6];
	struct finding *f;

	if (!n)
		return;
	if (!mac_of(n->text, mac)) {
		f = report(
			s, n->text_at,
			"'%s' is no MAC address, expected one such as 52:54:00:12:34:56",
			shown(s, n->text));
		report_label(s, f, "QEMU exits at start");
		return;
	}
	if (mac[0] & 1) {
		f = report(s, n->text_at, "the MAC address '%s' is one of a group",
			   shown(s, n->text));
		report_label(
			s, f, "%s",
			str_is(o->name, "device")
				? "a card with it receives nothing that is sent to it "
				  "alone"
				: "QEMU exits at start: NIC cannot have multicast MAC "
				  "address");
		if (str_is(o->name, "device"))
			report_lower(f);
		return;
	}
	first = same_mac(vm, o, mac);
	if (!first)
		return;
	f = report(s, n->text_at, "two cards with the MAC address '%s'",
		   shown(s, n->text));
	report_label(s, f, "on one network neither of them can be reached reliably");
	report_related(s, f, first->text_at, "the first one");
	report_lower(f);
}

static void check_mac(struct scan *s, const struct vm *vm)
{
	for_each_arg (o, vm)
		check_mac_of(s, vm, o);
}

/* ---- qemu-hostfwd ---- */

struct forward {
	struct str protocol, host, host_port, guest, guest_port;
};

static struct str part(struct str *rest, char end, bool *found)
{
	const char *to = rest->n ? memchr(rest->p, end, rest->n) : NULL;
	struct str s = { rest->p, to ? (size_t)(to - rest->p) : rest->n };

	*found = to != NULL;
	rest->p += s.n + (to ? 1 : 0);
	rest->n -= s.n + (to ? 1 : 0);
	return s;
}

static bool is_port(struct str s, bool or_zero)
{
	uint64_t v;

	return str_u64(s, &v) && v <= 65535 && (v > 0 || or_zero);
}

static bool is_address(struct str s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.')
			dots++;
		else if (s.p[i] < '0' || s.p[i] > '9')
			return true; /* a name, which the host may know */
	}
	return s.n == 0 || dots == 3;
}

/* tcp|udp : [host] : port - [guest] : port. What is wrong; NULL: nothing. */
static const char *forward_flaw(struct str s, struct forward *out)
{
	bool found;

	/* Of newer ones: unix:PATH-... */
	if (str_starts(s, "unix:"))
		return NULL;
	out->protocol = part(&s, ':', &found);
	if (!found || (out->protocol.n && !str_among(out->protocol, "tcp udp")))
		return "begins with no tcp: or udp:";
	if (str_starts(s, "["))
		return NULL; /* IPv6, of newer ones */
	out->host = part(&s, ':', &found);
	if (!found || !is_address(out->host) ||
	    (out->host.n && memchr(out->host.p, '-', out->host.n)))
		return "has no host address and port between two colons";
	out->host_port = part(&s, '-', &found);
	if (!is_port(out->host_port, true))
		return found ? "has no valid port of the host"
			     : "has no '-' between the host's port and the guest";
	if (!found)
		return "has no '-' between the host's port and the guest";
	out->guest = part(&s, ':', &found);
	if (!found)
		return "has no ':' before the guest's port";
	out->guest_port = s;
	return is_port(s, false) ? NULL : "has no valid port of the guest";
}

static bool may_forward(const struct qemu_option *o)
{
	return o->opts && str_among(o->name, "netdev nic net") &&
	       arg_is(o, "type", "user");
}

static bool same_port(const struct forward *a, const struct forward *b)
{
	bool any = a->host.n == 0 || b->host.n == 0 || str_is(a->host, "0.0.0.0") ||
		   str_is(b->host, "0.0.0.0");
	struct str tcp = STR("tcp");

	return str_eq(a->host_port, b->host_port) && !str_is(a->host_port, "0") &&
	       str_eq(a->protocol.n ? a->protocol : tcp,
		      b->protocol.n ? b->protocol : tcp) &&
	       (any || str_eq(a->host, b->host));
}

/* Another rule of this VM before n that takes its port. */
static const struct node *same_forward(const struct vm *vm, const struct node *rule,
				       const struct forward *fwd)
{
	for_each_arg (o, vm) {
		if (!may_forward(o))
			continue;
		for_each_node (n, o->opts) {
			struct forward other = { 0 };

			if (n == rule)
				return NULL;
			if (str_is(n->key, "hostfwd") && n->kind == NODE_SCALAR &&
			    !forward_flaw(n->text, &other) && same_port(fwd, &other))
				return n;
		}
	}
	return NULL;
}

static void check_forward(struct scan *s, const struct vm *vm, const struct node *n)
{
	struct forward fwd = { 0 };
	const char *flaw = forward_flaw(n->text, &fwd);
	const struct node *first;
	struct finding *f;

	if (flaw) {
		f = report(s, n->text_at, "hostfwd '%s' %s", shown(s, n->text), flaw);
		report_label(s, f,
			     "QEMU exits at start; expected tcp:127.0.0.1:2222-:22, say");
		return;
	}
	first = fwd.host_port.n ? same_forward(vm, n, &fwd) : NULL;
	if (!first)
		return;
	f = report(s, n->text_at, "port %s of the host is forwarded twice",
		   shown(s, fwd.host_port));
	report_label(s, f, "QEMU exits at start: could not set up host forwarding rule");
	report_related(s, f, first->text_at, "the first time");
}

enum { FORWARDS_MAX = 256 }; /* that are compared with each other */

static void check_forwards(struct scan *s, const struct vm *vm)
{
	size_t left = FORWARDS_MAX;

	for_each_arg (o, vm) {
		if (!may_forward(o) || o->opts->syntax == SYNTAX_QEMU_JSON)
			continue;
		for_each_node (n, o->opts) {
			if (str_is(n->key, "hostfwd") && n->kind == NODE_SCALAR &&
			    left-- > 0)
				check_forward(s, vm, n);
			if (left > FORWARDS_MAX)
				return;
		}
	}
}

const struct rule rules_args_net[] = {
	{ .id = "qemu-hostfwd",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a forwarded port that QEMU cannot set up",
	  .why = "A rule is tcp:ADDRESS:PORT-GUEST:PORT, in which both addresses may be "
		 "empty, and a port of the host can be taken once: QEMU exits at start.",
	  .steps =
		  "hostfwd=tcp:127.0.0.1:2222-:22 leads from this machine's port 2222 to "
		  "the guest's 22.",
	  .source = "QEMU, net/slirp.c, slirp_hostfwd()",
	  .since = "0.1.0",
	  CHECK(vm, check_forwards) },
	{ .id = "qemu-mac",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a MAC address that is none, or not one card's own",
	  .why = "An address is six bytes, the first one even: others are of groups. QEMU "
		 "exits at start, or the guest's network does not work.",
	  .steps =
		  "52:54:00 and three bytes of your choice, different for each card of all "
		  "VMs on the network.",
	  .source = "QEMU, net/util.c, net_parse_macaddr(); net/net.c, net_init_nic()",
	  .since = "0.1.0",
	  CHECK(vm, check_mac) },
};
RULES_END(args_net);
