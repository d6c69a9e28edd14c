/* Network interfaces of a libvirt domain.
 * libvirt, src/conf/domain_conf.c (virDomainNetDefParseXML), domain_validate.c
 * (virDomainNetDefValidate), src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefNetwork),
 * qemu_domain.c (qemuDomainValidateActualNetDef).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define PARSE         "libvirt, src/conf/domain_conf.c, virDomainNetDefParseXML()"
#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c, virDomainNetDefValidate()"
#define VALIDATE_QEMU                                                                    \
	"libvirt, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefNetwork()"
#define ACTUAL "libvirt, src/qemu/qemu_domain.c, qemuDomainValidateActualNetDef()"

#define NIC    "interface {mac@address:without a MAC address}"
#define VIRTIO "virtio|virtio-transitional|virtio-non-transitional"
/* Since libvirt 11.1 passt may be behind vhost-user; then libvirt makes its socket. */
#define NO_PASST                                                                         \
	{                                                                                \
		"backend@type", "!passt"                                                 \
	}
#define NEEDED(name)                                                                     \
	{                                                                                \
		CLASH(ON(interface), "source?",                                          \
		      "missing required attribute '" name "' in element 'source' of a "  \
		      "vhostuser interface",                                             \
		      TYPE("vhostuser"), NO_PASST, { "source?", "!" },                   \
		      { "source@" name, "" }),                                           \
			.common = true                                                   \
	}
/* Of a network only libvirt knows what it is made of. */
#define TYPE(words)                                                                      \
	{                                                                                \
		"@type", words                                                           \
	}

/* ---- interface-incomplete ---- */

static const struct clash incomplete_clashes[] = {
	{ CLASH(ON(interface), "source?",
		"interface type='{@type}' requires a 'source' element",
		TYPE("network|bridge|internal|direct|vdpa|vds|server|client|mcast|udp|"
		     "hostdev"),
		{ "source?", "" }),
	  .common = true },
	{ CLASH(ON(interface), "source?",
		"interface type='vhostuser' requires a 'source' element",
		TYPE("vhostuser"), NO_PASST, { "source?", "" }),
	  .common = true },
	NEEDED("type"),
	NEEDED("path"),
	NEEDED("mode"),
	{ CLASH(ON(interface), "source@type",
		"Type='{source@type}' unsupported for <interface type='vhostuser'>, expected "
		"unix",
		TYPE("vhostuser"), { "source@type", "!unix|" }),
	  .common = true },
	{ CLASH(ON(interface), "source/local?",
		"'<local>' element missing for 'udp' socket interface", TYPE("udp"),
		{ "source?", "!" }, { "source/local?", "" }),
	  .common = true },
	{ CLASH(ON(interface), "source/address@type",
		"missing source address type of an interface of type 'hostdev'",
		TYPE("hostdev"), { "source?", "!" }, { "source/address@type", "" },
		{ "source/vendor?", "" }),
	  .common = true },
};
CLASHES_ONLY(incomplete, ON(interface))

/* ---- interface-mac-multicast ---- */

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Where the first octet's last digit stands in a MAC address; 0: it is none. */
static size_t octet_end(struct str mac)
{
	size_t n = 0;

	while (n < mac.n && n < 3 && mac.p[n] != ':' && mac.p[n] != '-') {
		if (hex_of(mac.p[n]) < 0)
			return 0;
		n++;
	}
	return n && n < 3 && n < mac.n ? n : 0;
}

static void check_multicast(struct scan *s, const struct device *d)
{
	struct fact mac;
	size_t end;

	if (d->kind != DEVICE_interface)
		return;
	mac = ASK(d->node, "mac@address");
	end = fact_known(&mac) ? octet_end(mac.v) : 0;
	if (end == 0 || (hex_of(mac.v.p[end - 1]) & 1) == 0)
		return;
	report_label(
		s,
		report(s, mac.at,
		       "expected unicast mac address, found multicast '%s': its first "
		       "byte is odd",
		       shown(s, mac.v)),
		DOMAIN_REFUSES);
}

static bool fix_multicast(struct plan *p, const struct finding *f, const struct device *d)
{
	struct fact mac = ASK(d->node, "mac@address");
	size_t end = octet_end(mac.v);
	char text[64];

	(void)f;
	if (mac.v.n >= sizeof(text))
		return false;
	memcpy(text, mac.v.p, mac.v.n);
	text[mac.v.n] = '\0';
	text[end - 1] = "0123456789abcdef"[hex_of(text[end - 1]) & ~1];
	plan_title(p, "address='%s'", text);
	return plan_set(p, &mac, text);
}

/* ---- interface-mac-twice ---- */

static bool same_mac(struct str a, struct str b)
{
	if (a.n != b.n || a.n == 0)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (a.p[i] != b.p[i] &&
		    (hex_of(a.p[i]) < 0 || hex_of(a.p[i]) != hex_of(b.p[i])))
			return false;
	}
	return true;
}

/* Of one network or bridge: with user networks each interface has its own. */
static bool same_network(const struct device *a, const struct device *b)
{
	static const char path[] = "source@network|source@bridge|source@dev";
	struct fact x = ASK(a->node, path), y = ASK(b->node, path);
	struct fact type = ASK(a->node, "@type"), other = ASK(b->node, "@type");

	return fact_known(&x) && fact_known(&y) && str_eq(x.v, y.v) &&
	       fact_known(&type) && fact_known(&other) && str_eq(type.v, other.v) &&
	       !node_child(a->node, "teaming") && !node_child(b->node, "teaming");
}

static void check_mac_twice(struct scan *s, const struct device *d)
{
	struct fact mac, other;
	struct finding *f;

	if (d->kind != DEVICE_interface)
		return;
	mac = ASK(d->node, "mac@address");
	for_each_device(before, d->domain, interface)
	{
		if (before == d)
			return;
		other = ASK(before->node, "mac@address");
		if (!fact_known(&mac) || !fact_known(&other) ||
		    !same_mac(mac.v, other.v) || !same_network(before, d))
			continue;
		f = report(s, mac.at,
			   "two interfaces on one network have the MAC address %s",
			   shown(s, mac.v));
		report_label(s, f,
			     "libvirt starts it: what is sent to one of them reaches the "
			     "other");
		report_related(s, f, other.at, "the other interface");
		return;
	}
}

/* Without one libvirt makes one up. */
static bool fix_mac_twice(struct plan *p, const struct finding *f, const struct device *d)
{
	const struct node *mac = node_child(d->node, "mac");

	(void)f;
	plan_title(p, "remove <mac> (libvirt makes an address)");
	return mac && plan_remove_node(p, mac);
}

/* ---- interface-option ---- */

static const struct clash option_clashes[] = {
	{ CLASH(ON(interface), "backend@type",
		"the 'passt' backend can only be used with interface type='user', and this "
		"one is {@type}",
		TYPE("!user|vhostuser|"), { "backend@type", "passt" }),
	  .common = true },
	{ CLASH(ON(interface), "source/ip?",
		"invalid attempt to set network interface host-side IP route and/or address "
		"info on interface of type '{@type:user}', which only 'ethernet' has",
		TYPE("!ethernet"), { "source/ip?", "!" }),
	  .common = true },
	{ CLASH(ON(interface), "source/route?",
		"invalid attempt to set network interface host-side IP route and/or address "
		"info on interface of type '{@type:user}', which only 'ethernet' has",
		TYPE("!ethernet"), { "source/route?", "!" }),
	  .common = true },
	{ CLASH(ON(interface), "target@managed",
		"unmanaged target dev is not supported on interfaces of type '{@type:user}', "
		"expected ethernet",
		TYPE("!ethernet"), { "target@managed", "no" }),
	  .common = true },
	{ CLASH(ON(interface), "port@isolated",
		"<port isolated='yes'/> is not supported for network interfaces with "
		"type='{@type:user}', expected network or bridge",
		TYPE("!network|bridge"), { "port@isolated", "yes" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(interface), "port@isolated",
		"<port isolated='yes'/> is not supported for network interfaces with "
		"virtualport type='{virtualport@type}'",
		TYPE("network|bridge"), { "port@isolated", "yes" },
		{ "virtualport@type", "!" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(interface), "virtualport?",
		"<virtualport> element unsupported for <interface type='{@type:user}'>",
		TYPE("!network|bridge|direct|hostdev"), { "virtualport?", "!" }),
	  .common = true },
	{ CLASH(ON(interface), "mtu?",
		"setting MTU on interface type {@type:user} is not supported yet",
		TYPE("direct|hostdev|server|client|mcast|udp|vdpa|internal"),
		{ "mtu@size", "#>0" }) },
	{ CLASH(ON(interface), "mtu?",
		"setting MTU on interface type user is not supported yet, without the passt "
		"backend",
		TYPE("user|"), { "mtu@size", "#>0" }, { "backend@type", "!passt" }) },
	{ CLASH(ON(interface), "coalesce?",
		"coalesce settings on interface type {@type:user} are not supported, "
		"expected network or bridge",
		TYPE("!network|bridge"), { "coalesce/rx/frames@max", "!" }) },
	{ CLASH(ON(interface), "vlan?",
		"vlan tag not supported for this connection type: '{@type}' without an "
		"openvswitch virtualport",
		TYPE("bridge"), { "vlan?", "!" }, { "virtualport@type", "!openvswitch" }),
	  .label = AT_START, .no_fix = true },
	{ CLASH(ON(interface), "vlan?",
		"vlan tag not supported for this connection type: macvtap in mode "
		"'{source@mode:vepa}', expected passthrough",
		TYPE("direct"), { "vlan?", "!" }, { "source@mode", "!passthrough" }),
	  .label = AT_START, .no_fix = true },
	{ CLASH(ON(interface), "vlan?",
		"vlan tag not supported for this connection type: '{@type:user}'",
		TYPE("!bridge|direct|network|hostdev|vdpa"), { "vlan?", "!" }),
	  .label = AT_START, .no_fix = true },
	{ CLASH(ON(interface), "bandwidth?",
		"bandwidth settings are not supported for hostdev interfaces",
		TYPE("hostdev"), { "bandwidth?", "!" }),
	  .label = AT_START },
	{ CLASH(ON(interface), "driver@queues",
		"multiqueue is not supported for network interfaces of type {@type:user}",
		TYPE("user|server|client|mcast|udp|hostdev|internal|"),
		{ "model@type", VIRTIO }, { "driver@queues", "#>1" }),
	  .label = AT_START },
	{ CLASH(ON(interface), "backend@tap",
		"custom tap device path is not supported for network interfaces of type "
		"{@type:user}",
		TYPE("!network|bridge|ethernet"), { "backend@tap", "!" }),
	  .label = AT_START },
	{ CLASH(ON(interface), "filterref?",
		"filterref is not supported for network interfaces with virtualport type "
		"{virtualport@type}",
		TYPE("network|bridge"), { "filterref@filter", "!" },
		{ "virtualport@type", "!" }),
	  .label = AT_START, .no_fix = true },
	{ CLASH(ON(interface), "script?",
		"scripts are not supported on interfaces of type {@type:user}, expected "
		"ethernet",
		TYPE("!ethernet|network|hostdev|vhostuser"), { "script@path", "!" }),
	  .label = AT_START },
};
CLASHES(option, ON(interface))

/* ---- interface-guest-ip ---- */

static const struct clash guest_ip_clashes[] = {
	{ CLASH(ON(interface), "ip?",
		"invalid attempt to set network interface guest-side IP route and/or address "
		"info on type '{@type}', not supported by QEMU",
		TYPE("!user|vdpa|"), NO_PASST, { "ip?", "!" }) },
	{ CLASH(ON(interface), "route?",
		"invalid attempt to set network interface guest-side IP route and/or address "
		"info on type '{@type:user}', not supported by QEMU",
		TYPE("!vdpa"), NO_PASST, { "route?", "!" }) },
	{ CLASH(ON(interface), "ip@peer",
		"invalid attempt to set peer IP for guest, not supported by QEMU",
		TYPE("user|"), { "ip@peer", "!" }) },
};

static bool is_ipv6(const struct node *ip)
{
	struct fact address = ASK(ip, "@address"), family = ASK(ip, "@family");

	return fact_is(&family, "ipv6") ||
	       (fact_absent(&family) && fact_known(&address) && str_has(address.v, ":"));
}

static void check_prefix(struct scan *s, const struct node *ip)
{
	struct fact prefix = ASK(ip, "@prefix");
	uint64_t v;

	if (!fact_number(&prefix, &v) || v == 0)
		return;
	if (is_ipv6(ip) ? v == 64 : v >= 4 && v <= 27)
		return;
	report_label(s,
		     report(s, prefix.at, "invalid prefix %s, must be %s",
			    shown(s, prefix.v), is_ipv6(ip) ? "64" : "in range of 4-27"),
		     DOMAIN_REFUSES);
}

static void check_guest_ip(struct scan *s, const struct device *d)
{
	struct fact type;
	bool had[2] = { false };

	clash_check(s, d, d->node, guest_ip_clashes,
		    sizeof(guest_ip_clashes) / sizeof(guest_ip_clashes[0]));
	if (d->kind != DEVICE_interface || !d->domain->qemu)
		return;
	type = ASK(d->node, "@type");
	if (!fact_absent(&type) && !fact_is(&type, "user"))
		return;
	for (const struct node *ip = node_child(d->node, "ip"); ip; ip = node_again(ip)) {
		struct fact address = ASK(ip, "@address");

		if (!fact_known(&address))
			continue;
		if (had[is_ipv6(ip)])
			report_label(
				s,
				report(s, ip->open_at,
				       "only one %s address per interface is allowed",
				       is_ipv6(ip) ? "IPv6" : "IPv4"),
				DOMAIN_REFUSES);
		had[is_ipv6(ip)] = true;
		check_prefix(s, ip);
	}
}

/* ---- interface-virtio ---- */

/* qemuDomainDefaultNetModel(): without a model, x86 has an rtl8139. */
static bool is_x86(const struct device *d)
{
	struct str arch = d->domain->vm->arch.v;

	return fact_known(&d->domain->vm->arch) &&
	       (str_is(arch, "x86_64") || str_is(arch, "i686"));
}

static const struct clash virtio_clashes[] = {
	{ CLASH(ON(interface), "model@type",
		"vhostuser requires the virtio-net* frontend, and <model> of this interface "
		"is '{model@type}'",
		TYPE("vhostuser"), { "model@type", "!" VIRTIO "|" }),
	  .set = "virtio" },
	{ CLASH(ON(interface), "model@type",
		"vhostuser requires the virtio-net* frontend, and this interface has no "
		"<model>",
		TYPE("vhostuser"), NO_PASST, { "model@type", "" }),
	  .also = is_x86, .set = "virtio" },
	{ CLASH(ON(interface), "model@type",
		"invalid model for interface of type 'vdpa': '{model@type}', expected virtio",
		TYPE("vdpa"), { "model@type", "!virtio|" }),
	  .set = "virtio" },
	{ CLASH(ON(interface), "model@type",
		"virtio-net teaming persistent interface must be <model type='virtio'/>, not "
		"'{model@type}'",
		{ "teaming@type", "persistent" }, { "model@type", "!" VIRTIO "|" }),
	  .set = "virtio" },
	{ CLASH(ON(interface), "driver@rx_queue_size",
		"rx_queue_size has to be a power of two, and is {driver@rx_queue_size}",
		{ "model@type", VIRTIO }, { "driver@rx_queue_size", "#2^" },
		TYPE("!hostdev")),
	  .no_fix = true },
	{ CLASH(ON(interface), "driver@tx_queue_size",
		"tx_queue_size has to be a power of two, and is {driver@tx_queue_size}",
		{ "model@type", VIRTIO }, { "driver@tx_queue_size", "#2^" },
		TYPE("!hostdev")),
	  .no_fix = true },
	{ CLASH(ON(interface), "source/reconnect?",
		"'reconnect' attribute unsupported 'server' mode for <interface "
		"type='vhostuser'>",
		TYPE("vhostuser"), { "source@mode", "server" },
		{ "source/reconnect@enabled", "yes" }),
	  .common = true },
	{ CLASH(ON(interface), "source/reconnect@timeout",
		"missing required attribute 'timeout' in element 'reconnect' of a vhostuser "
		"interface",
		TYPE("vhostuser"), { "source/reconnect@enabled", "yes" },
		{ "source/reconnect@timeout", "" }),
	  .common = true, .no_fix = true },
};
CLASHES(virtio, ON(interface))

/* ---- interface-teaming ---- */

static const struct clash teaming_clashes[] = {
	{ CLASH(ON(interface), "teaming@persistent",
		"teaming persistent attribute must be set if teaming type is 'transient'",
		{ "teaming@type", "transient" }, { "teaming@persistent", "" }),
	  .common = true },
	{ CLASH(ON(interface), "teaming@persistent",
		"teaming persistent attribute not allowed if teaming type is "
		"'{teaming@type}'",
		{ "teaming@type", "persistent" }, { "teaming@persistent", "!" }),
	  .common = true },
	{ CLASH(ON(interface), "teaming@type",
		"virtio-net teaming transient interface must be type='hostdev', not "
		"'{@type:user}'",
		{ "teaming@type", "transient" }, TYPE("!hostdev|network")) },
};
CLASHES_ONLY(teaming, ON(interface))

const struct rule rules_net[] = {
	{ .id = "interface-guest-ip",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "addresses for the guest that QEMU cannot give it",
	  .why = "Only QEMU's own user network hands out addresses, one of each family with a "
		 "prefix that its DHCP server has. Elsewhere <ip> is for containers.",
	  .steps =
		  "Remove <ip> and <route>, and set the address within the guest or by the "
		  "network's DHCP.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_guest_ip) },
	{ .id = "interface-incomplete",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an interface that is not said what it is connected to",
	  .why = "Each type of interface has its own <source>: a network, a bridge, a device "
		 "of the host, an address. libvirt refuses the domain without it.",
	  .steps =
		  "<source network='default'/>, <source bridge='br0'/>, <source dev='eth0'/> "
		  "..., as the type wants.",
	  .source = PARSE,
	  .since = "0.1.0",
	  CHECK(device, check_incomplete) },
	{ .id = "interface-mac-multicast",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a multicast MAC address",
	  .why = "The lowest bit of the first byte marks addresses of groups. No interface can "
		 "have one, and libvirt refuses it.",
	  .steps =
		  "52:54:00 is QEMU's own prefix: take it and three bytes of your choice.",
	  .source = PARSE ", virMacAddrIsMulticast()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_multicast, fix_multicast) },
	{ .id = "interface-mac-twice",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "two interfaces of a VM on one network, with one MAC address",
	  .why = "Switches learn one port for an address: the frames for the two interfaces "
		 "go to either of them, by turns.",
	  .steps =
		  "Remove one <mac>, libvirt then makes an address; or give it another one.",
	  .source = "libvirt defines and starts such a domain; IEEE 802.1D, 7.8",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_mac_twice, fix_mac_twice) },
	{ .id = "interface-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a setting of an interface that its type does not have",
	  .why = "What a setting can do depends on what the interface is made of: a tap device, "
		 "a macvtap, a socket, a device of the host. libvirt refuses it where it would "
		 "have no effect, when the domain is defined or when it starts.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU "; " ACTUAL,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_option, fix_option) },
	{ .id = "interface-teaming",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a pair of interfaces that does not team",
	  .why = "A transient interface, which goes away for a migration, names the persistent "
		 "one that stays. libvirt refuses half a pair.",
	  .steps =
		  "<teaming type='persistent'/> on the virtio interface, which has an alias "
		  "ua-..., and <teaming type='transient' persistent='ua-...'/> on the other.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_teaming) },
	{ .id = "interface-virtio",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title =
		  "an interface that has to be virtio-net, or a ring of it that cannot be",
	  .why = "vhost-user and vDPA speak virtio with the guest's own driver, and rings are "
		 "powers of two: libvirt refuses anything else.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_virtio, fix_virtio) },
};
RULES_END(net);
