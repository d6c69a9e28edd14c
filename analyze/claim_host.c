/* Addresses that VMs have on networks, sockets of the host that they listen at, and devices of the
 * host that they take, as each flavour tells them.
 *
 * libvirt: <interface>, <graphics>. QEMU: -device, -nic, -netdev, -vnc, -spice
 * (qemu-options.hx). Incus: devices of type nic, proxy, pci, gpu. UTM: Network.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/claim.h"
#include "analyze/config/incus.h"
#include "analyze/config/node.h"
#include "analyze/config/qemu.h"
#include "analyze/config/utm.h"
#include "analyze/unit.h"
#include "base/banned.h"

struct host_claims {
	struct claims *c;
	const struct unit *u;
	const struct vm *vm;
	struct claimant *by;
};

/* ---- MACs ---- */

static bool hex_digit(char c, unsigned *out)
{
	if (c >= '0' && c <= '9')
		*out = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		*out = (unsigned)(c - 'A') + 10;
	else
		return false;
	return true;
}

/* "52:54:00:12:34:56", with : or -; not 00:00:00:00:00:00, which asks for another. */
static bool read_mac(struct str s, uint64_t *out)
{
	unsigned a, b;

	*out = 0;
	if (s.n != 17)
		return false;
	for (size_t i = 0; i < 17; i += 3) {
		if (!hex_digit(s.p[i], &a) || !hex_digit(s.p[i + 1], &b) ||
		    (i < 15 && s.p[i + 2] != ':' && s.p[i + 2] != '-'))
			return false;
		*out = *out << 8 | a << 4 | b;
	}
	return *out != 0;
}

static bool is_plain(const struct node *n)
{
	return n && (n->kind == NODE_SCALAR || n->kind == NODE_ATTRIBUTE);
}

/* network: where others would meet it, as "bridge br0"; empty: not known, or nobody. */
static void claim_mac(struct host_claims *h, const struct node *mac, struct str kind,
		      struct str network)
{
	struct claimant *by = h->by;
	struct arena *a = &h->c->arena;
	struct claim *claim;
	size_t i = 0;
	uint64_t v;

	if (!is_plain(mac) || !read_mac(mac->text, &v))
		return;
	while (i < CLAIMANT_MACS - 1 && by->mac[i])
		i++;
	by->mac[i] = v;
	if (network.n == 0)
		return;
	claim = claim_add(h->c, by, CLAIM_MAC, mac->text_at, mac->text);
	if (!claim)
		return;
	claim->key = claim_sum(
		str_of(arena_printf(a, "%012llx", (unsigned long long)v)),
		str_of(arena_printf(a, "%.*s %.*s %016llx%016llx", STR_ARG(kind),
				    STR_ARG(network), (unsigned long long)by->place.hi,
				    (unsigned long long)by->place.lo)));
}

/* ---- ports ---- */

static bool is_any(struct str address)
{
	return str_is(address, "0.0.0.0") || str_is(address, "::") ||
	       str_is(address, "[::]") || str_is(address, "*");
}

/* what, at: as it is written. address: empty where the program has a default. */
static void claim_port(struct host_claims *h, const char *protocol, uint64_t port,
		       struct str address, struct span at, struct str what)
{
	struct arena *a = &h->c->arena;
	struct claim *claim;

	if (port == 0 || port > UINT16_MAX)
		return;
	claim = claim_add(h->c, h->by, CLAIM_PORT, at, what);
	if (!claim)
		return;
	claim->key = claim_sum(
		str_of(arena_printf(a, "%s %llu", protocol, (unsigned long long)port)),
		str_of(arena_printf(a, "%016llx%016llx",
				    (unsigned long long)h->by->place.hi,
				    (unsigned long long)h->by->place.lo)));
	claim->detail =
		claim_sum(STR("address"),
			  str_is(address, "localhost") ? STR("127.0.0.1") : address);
	if (is_any(address))
		claim->flags = CLAIM_ANY_ADDRESS;
}

/* "address:port" or "port", from the end. */
static bool read_address(struct str s, struct str *address, uint64_t *port)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != ':')
		i--;
	*address = (struct str){ s.p, i > 0 ? i - 1 : 0 };
	return str_u64((struct str){ s.p + i, s.n - i }, port);
}

/* ---- libvirt ---- */

static void read_interface(struct host_claims *h, const struct node *n)
{
	const struct node *mac = node_child(n, "mac"), *source = node_child(n, "source");
	const struct node *type = node_attr(n, "type"), *name = NULL;

	if (!mac || !type)
		return;
	if (source && (str_is(type->text, "network") || str_is(type->text, "bridge")))
		name = node_attr(source,
				 str_is(type->text, "network") ? "network" : "bridge");
	claim_mac(h, node_attr(mac, "address"), type->text,
		  name ? name->text : (struct str){ 0 });
}

static struct str listen_of(const struct node *graphics)
{
	const struct node *n = node_child(graphics, "listen"), *address;
	const struct node *type = n ? node_attr(n, "type") : NULL;

	if (n && (!type || !str_is(type->text, "address")))
		return STR("?");
	address = n ? node_attr(n, "address") : NULL;
	if (!address)
		address = node_attr(graphics, "listen");
	return address ? address->text : STR("");
}

static void read_graphics(struct host_claims *h, const struct node *n)
{
	const struct node *port = node_attr(n, "port"), *type = node_attr(n, "type");
	const struct node *automatic = node_attr(n, "autoport");
	struct str address = listen_of(n);
	uint64_t v;

	if (!port || !type || (automatic && !str_is(automatic->text, "no")) ||
	    str_is(address, "?") || !str_u64(port->text, &v))
		return;
	if (str_is(type->text, "vnc") || str_is(type->text, "spice"))
		claim_port(h, "tcp", v, address, port->text_at, port->text);
}

static void read_libvirt(struct host_claims *h)
{
	const struct node *devices = node_child(h->vm->node, "devices");

	if (!devices)
		return;
	for_each_node (n, devices) {
		if (n->kind != NODE_ELEMENT || n->ns.n)
			continue;
		if (str_is(n->key, "interface"))
			read_interface(h, n);
		else if (str_is(n->key, "graphics"))
			read_graphics(h, n);
	}
}

/* ---- QEMU ---- */

/* The next of the parts between commas. */
static bool next_unit(struct str *rest, struct str *unit)
{
	const char *comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
	size_t n = comma ? (size_t)(comma - rest->p) : rest->n;

	*unit = (struct str){ rest->p, n };
	*rest = (struct str){ rest->p + n + (comma ? 1 : 0),
			      rest->n - n - (comma ? 1 : 0) };
	return unit->n > 0 || rest->n > 0;
}

/* "key=": what is behind it. */
static bool value_of(struct str unit, const char *key, struct str *value)
{
	size_t n = strlen(key);

	if (!str_starts(unit, key))
		return false;
	*value = (struct str){ unit.p + n, unit.n - n };
	return true;
}

/* tcp:127.0.0.1:2222-:22 */
static void read_forward(struct host_claims *h, const struct word *w, struct str s)
{
	const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
	const char *dash = s.n ? memchr(s.p, '-', s.n) : NULL;
	size_t from = (size_t)(s.p - w->text.p);
	bool udp = str_starts(s, "udp:");
	struct str address;
	uint64_t port;

	if (!colon || !dash || dash < colon || word_unknown(w, from, from + s.n))
		return;
	if (!read_address((struct str){ colon + 1, (size_t)(dash - colon) - 1 }, &address,
			  &port))
		return;
	claim_port(h, udp ? "udp" : "tcp", port, address.n ? address : STR("0.0.0.0"),
		   w->at, s);
}

static void read_netdev(struct host_claims *h, const struct word *w)
{
	struct str rest = w->text, unit, value;

	if (!str_starts(rest, "user,"))
		return;
	while (next_unit(&rest, &unit)) {
		if (value_of(unit, "hostfwd=", &value))
			read_forward(h, w, value);
	}
}

/* :1, 127.0.0.1:1; what has options may look for another, or be no TCP. */
static void read_vnc(struct host_claims *h, const struct word *w)
{
	struct str s = w->text, address, unit, rest = s;
	uint64_t display;

	if (word_unknown(w, 0, s.n) || !next_unit(&rest, &unit) || str_has(rest, "to=") ||
	    str_has(rest, "reverse") || str_starts(unit, "unix:"))
		return;
	if (read_address(unit, &address, &display) && unit.n > 0 &&
	    memchr(unit.p, ':', unit.n) && display < 1000)
		claim_port(h, "tcp", 5900 + display, address.n ? address : STR("0.0.0.0"),
			   w->at, s);
}

static void read_spice(struct host_claims *h, const struct word *w)
{
	struct str rest = w->text, unit, value, port = { 0 }, address = STR("0.0.0.0");
	uint64_t v;

	if (word_unknown(w, 0, rest.n))
		return;
	while (next_unit(&rest, &unit)) {
		if (value_of(unit, "port=", &value))
			port = value;
		else if (value_of(unit, "addr=", &value) && value.n)
			address = value;
	}
	if (port.n && str_u64(port, &v))
		claim_port(h, "tcp", v, address, w->at, w->text);
}

/* 0000:01:00.0, or without its domain. */
static void claim_pci(struct host_claims *h, struct str address, struct span at)
{
	struct claim *claim;

	if (address.n != 7 && address.n != 12)
		return;
	claim = claim_add(h->c, h->by, CLAIM_PCI, at, address);
	if (!claim)
		return;
	if (address.n == 12 && str_starts(address, "0000:"))
		address = (struct str){ address.p + 5, 7 };
	claim->key = claim_sum(STR("pci"), address);
}

static void read_device(struct host_claims *h, const struct qemu_option *o,
			const struct qemu_command *c)
{
	const struct node *driver = qemu_opt(o, "driver"), *host = qemu_opt(o, "host");
	const struct node *mac = qemu_opt(o, "mac"), *net = qemu_opt(o, "netdev");

	if (is_plain(driver) && str_starts(driver->text, "vfio-pci") && is_plain(host))
		claim_pci(h, host->text, host->text_at);
	if (!is_plain(mac))
		return;
	for (size_t i = 0; is_plain(net) && i < c->noptions; i++) {
		const struct qemu_option *to = &c->options[i];
		struct str rest = to->value ? to->value->text : STR(""), unit, value;
		struct str id = { 0 }, br = STR("br0");

		if (!str_is(to->name, "netdev") || !str_starts(rest, "bridge,") ||
		    word_unknown(to->value, 0, rest.n))
			continue;
		while (next_unit(&rest, &unit)) {
			if (value_of(unit, "id=", &value))
				id = value;
			else if (value_of(unit, "br=", &value))
				br = value;
		}
		if (str_eq(id, net->text)) {
			claim_mac(h, mac, STR("bridge"), br);
			return;
		}
	}
	claim_mac(h, mac, STR(""), (struct str){ 0 });
}

static void read_qemu(struct host_claims *h, const struct qemu_command *c)
{
	for (size_t i = 0; i < c->noptions; i++) {
		const struct qemu_option *o = &c->options[i];

		if (str_is(o->name, "device"))
			read_device(h, o, c);
		else if (!o->value)
			continue;
		else if (str_is(o->name, "netdev") || str_is(o->name, "nic") ||
			 str_is(o->name, "net"))
			read_netdev(h, o->value);
		else if (str_is(o->name, "vnc"))
			read_vnc(h, o->value);
		else if (str_is(o->name, "spice"))
			read_spice(h, o->value);
	}
}

/* ---- Incus ---- */

static void read_proxy(struct host_claims *h, const struct node *n)
{
	const struct node *listen = node_child(n, "listen"),
			  *bind = node_child(n, "bind");
	struct str address, s;
	uint64_t port;
	bool udp;

	if (!is_plain(listen) || (bind && !str_is(bind->text, "host")))
		return;
	s = listen->text;
	udp = str_starts(s, "udp:");
	if (!udp && !str_starts(s, "tcp:"))
		return;
	s = (struct str){ s.p + 4, s.n - 4 };
	if (read_address(s, &address, &port) && address.n)
		claim_port(h, udp ? "udp" : "tcp", port, address, listen->text_at,
			   listen->text);
}

static void read_incus(struct host_claims *h, const struct incus *in)
{
	for (size_t i = 0; in->kind == INCUS_INSTANCE && i < in->ndevices; i++) {
		const struct incus_device *d = &in->devices[i];
		const struct node *address = node_child(d->node, "address");
		const struct node *parent = node_child(d->node, "parent");

		if (fact_is(&d->type, "nic"))
			claim_mac(h, node_child(d->node, "hwaddr"),
				  fact_known(&d->network) ? STR("network")
							  : STR("bridge"),
				  fact_known(&d->network) ? d->network.v
				  : fact_is(&d->nictype, "bridged") && is_plain(parent)
					  ? parent->text
					  : (struct str){ 0 });
		else if (fact_is(&d->type, "proxy"))
			read_proxy(h, d->node);
		if (!address)
			address = node_child(d->node, "pci");
		if ((fact_is(&d->type, "pci") || fact_is(&d->type, "gpu")) &&
		    is_plain(address))
			claim_pci(h, address->text, address->text_at);
	}
}

/* ---- UTM ---- */

static void read_utm_forward(struct host_claims *h, const struct node *n)
{
	const struct node *protocol = node_child(n, "Protocol");
	const struct node *address = node_child(n, "HostAddress");
	const struct node *port = node_child(n, "HostPort");
	uint64_t v;

	if (!is_plain(port) || !str_u64(port->text, &v))
		return;
	claim_port(h, protocol && str_is(protocol->text, "UDP") ? "udp" : "tcp", v,
		   is_plain(address) && address->text.n ? address->text : STR("0.0.0.0"),
		   port->text_at, port->text);
}

static void read_utm(struct host_claims *h, const struct utm *utm)
{
	const struct node *nets = node_child(utm->root, "Network");

	if (utm->kind == UTM_LEGACY || !nets || nets->kind != NODE_LIST)
		return;
	for_each_node (n, nets) {
		const struct node *mode, *forwards;

		if (n->kind != NODE_MAP)
			continue;
		mode = node_child(n, "Mode");
		forwards = node_child(n, "PortForward");
		/* One network of the Mac for all VMs. */
		claim_mac(h, node_child(n, "MacAddress"), STR("utm"),
			  is_plain(mode) && str_is(mode->text, "Shared")
				  ? mode->text
				  : (struct str){ 0 });
		if (!forwards || forwards->kind != NODE_LIST || !is_plain(mode) ||
		    !str_is(mode->text, "Emulated"))
			continue;
		for_each_node (f, forwards) {
			if (f->kind == NODE_MAP)
				read_utm_forward(h, f);
		}
	}
}

/* ---- all of them ---- */

void claims_read_host(struct claims *c, const struct unit *u, size_t vm,
		      struct claimant *by)
{
	struct host_claims h = { c, u, &u->vms[vm], by };

	switch (h.vm->flavour) {
	case FLAVOUR_LIBVIRT:
		read_libvirt(&h);
		break;
	case FLAVOUR_QEMU:
		if (h.vm->qemu)
			read_qemu(&h, h.vm->qemu);
		break;
	case FLAVOUR_INCUS:
		if (u->incus)
			read_incus(&h, &u->incus[vm]);
		break;
	case FLAVOUR_UTM:
		if (h.vm->utm)
			read_utm(&h, h.vm->utm);
		break;
	case FLAVOUR_PACKER:
		return;
	case FLAVOUR_QUICKEMU:
		break;
	}
	if (h.vm->args)
		read_qemu(&h, h.vm->args->qemu);
}
