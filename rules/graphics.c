/* Graphics of a libvirt domain: who may look at it, and how it is drawn.
 * libvirt, src/conf/domain_conf.c (virDomainGraphicsDefParseXML), domain_validate.c
 * (virDomainGraphicsDefValidate), src/qemu/qemu_validate.c
 * (qemuValidateDomainDeviceDefGraphics), qemu_command.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define PARSE "libvirt, src/conf/domain_conf.c, virDomainGraphicsDefParseXML()"
#define VALIDATE_QEMU                                                                    \
	"libvirt, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefGraphics()"

static bool has_graphics(const struct domain *d, const char *kind)
{
	for_each_device(g, d, graphics)
	{
		struct fact type = ASK(g->node, "@type");

		if (fact_is(&type, kind))
			return true;
	}
	return false;
}

static bool has_headless(const struct device *d)
{
	return has_graphics(d->domain, "egl-headless");
}

/* ---- graphics-headless ---- */

static const struct clash headless_clashes[] = {
	{ CLASH(ON(graphics), "@type",
		"graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' "
		"graphics types, and there is '{@type}'",
		{ "@type", "!egl-headless|vnc|spice|" }),
	  .also = has_headless },
	{ CLASH(ON(graphics), "gl@enable",
		"multiple OpenGL displays are not supported by QEMU: SPICE with gl, beside "
		"egl-headless",
		{ "@type", "spice" }, { "gl@enable", "yes" }),
	  .also = has_headless, .set = "no" },
};
CLASHES(headless, ON(graphics))

/* ---- graphics-listen ---- */

/* Of one <listen>. */
static const struct clash listen_clashes[] = {
	{ CLASH(ON(graphics), "@type",
		"listen type '{@type}' is not available for graphics type 'rdp'",
		{ "^@type", "rdp" }, { "@type", "socket|none" }),
	  .common = true },
	{ CLASH(ON(graphics), "@network",
		"'network' attribute is required for listen type 'network'",
		{ "@type", "network" }, { "@network", "" }),
	  .common = true },
	{ CLASH(ON(graphics), "@network",
		"'network' attribute is valid only for listen type 'network', and this is "
		"'{@type}'",
		{ "@network", "!" }, { "@type", "!network|" }),
	  .common = true },
	{ CLASH(ON(graphics), "@socket",
		"'socket' attribute is valid only for listen type 'socket', and this is "
		"'{@type}'",
		{ "@socket", "!" }, { "@type", "!socket|" }),
	  .common = true },
};

static const struct clash dbus_clashes[] = {
	{ CLASH(ON(graphics), "@p2p", "D-Bus p2p with an address is not supported",
		{ "@type", "dbus" }, { "@p2p", "yes" }, { "@address", "!" }),
	  .common = true },
};

static void check_match(struct scan *s, const struct device *d, const char *outer,
			const char *type, const char *inner, const char *path)
{
	struct fact compat = ASK(d->node, outer), kind = ASK(d->node, "listen@type");
	struct fact f = ASK(d->node, path);
	struct finding *said;

	if (!fact_is(&kind, type) || !fact_known(&compat) || !fact_known(&f) ||
	    str_eq(compat.v, f.v))
		return;
	said = report(s, compat.at,
		      "graphics '%s' attribute '%s' must match '%s' attribute of first "
		      "listen element (found '%s')",
		      outer + 1, shown(s, compat.v), inner, shown(s, f.v));
	report_label(s, said, DOMAIN_REFUSES);
	report_related(s, said, f.at, "the listen element");
}

static void check_listen(struct scan *s, const struct device *d)
{
	struct fact type;

	clash_check(s, d, d->node, dbus_clashes, 1);
	if (d->kind != DEVICE_graphics)
		return;
	type = ASK(d->node, "@type");
	if (!fact_is(&type, "vnc") && !fact_is(&type, "spice") && !fact_is(&type, "rdp"))
		return;
	for (const struct node *n = node_child(d->node, "listen"); n; n = node_again(n))
		clash_check(s, d, n, listen_clashes,
			    sizeof(listen_clashes) / sizeof(listen_clashes[0]));
	check_match(s, d, "@listen", "address", "address", "listen@address");
	check_match(s, d, "@socket", "socket", "socket", "listen@socket");
}

/* ---- graphics-open-to-network ---- */

#define ANY "0.0.0.0|::|*"

static const struct clash open_clashes[] = {
	{ CLASH(ON(graphics), "listen@address",
		"{@type} listens on {listen@address} without a password: whoever reaches the "
		"host sits in front of the guest",
		{ "@type", "vnc|spice" }, { "listen@address", ANY }, { "@passwd", "" },
		{ "listen@type", "address" }),
	  .set = "127.0.0.1",
	  .label =
		  "unless qemu.conf asks for TLS certificates or SASL; expected 127.0.0.1" },
	{ CLASH(ON(graphics), "@listen",
		"{@type} listens on {@listen} without a password: whoever reaches the host "
		"sits in front of the guest",
		{ "@type", "vnc|spice" }, { "@listen", ANY }, { "@passwd", "" },
		{ "listen?", "" }),
	  .set = "127.0.0.1",
	  .label =
		  "unless qemu.conf asks for TLS certificates or SASL; expected 127.0.0.1" },
};
CLASHES(open, ON(graphics))

/* ---- graphics-password ---- */

static const struct clash password_clashes[] = {
	{ CLASH(ON(graphics), "@passwd",
		"VNC password is more than 8 characters long, only 8 permitted",
		{ "@type", "vnc" }, { "@passwd", "~>8" }),
	  .no_fix = true },
	{ CLASH(ON(graphics), "@connected",
		"VNC supports connected='keep' only, and this is '{@connected}'",
		{ "@type", "vnc" }, { "@passwd", "!" }, { "@connected", "!keep|" }),
	  .common = true, .set = "keep" },
};
CLASHES(password, ON(graphics))

/* ---- graphics-password-plain ---- */

static const struct clash plain_clashes[] = {
	{ CLASH(ON(graphics), "@passwd",
		"the password of {@type} stands here in plain text",
		{ "@type", "vnc|spice" }, { "@passwd", "!" }),
	  .label = "whoever reads this file can look at the guest, and type" },
};
CLASHES_ONLY(plain, ON(graphics))

/* ---- graphics-port ---- */

static const struct clash port_clashes[] = {
	{ CLASH(ON(graphics), "@port",
		"vnc port must be in range [5900,65535], and is {@port}",
		{ "@type", "vnc" }, { "@autoport", "!yes" }, { "@port", "#<5900" },
		{ "listen@type", "address|network|" }),
	  .label = AT_START },
	{ CLASH(ON(graphics), "@port",
		"vnc port must be in range [5900,65535], and is {@port}",
		{ "@type", "vnc" }, { "@autoport", "!yes" }, { "@port", "#>65535" },
		{ "listen@type", "address|network|" }),
	  .label = AT_START },
};
CLASHES_ONLY(port, ON(graphics))

/* ---- graphics-secure ---- */

/* A SPICE that is given its ports, and no TLS port among them. */
static const struct clash secure_clashes[] = {
	{ CLASH(ON(graphics), "@defaultMode",
		"spice defaultMode secure requested in XML configuration, but TLS connection "
		"is not available: there is no tlsPort",
		{ "@type", "spice" }, { "@defaultMode", "secure" }, { "@autoport", "no" },
		{ "@tlsPort", "" }),
	  .label = AT_START },
	{ CLASH(ON(graphics), "@defaultMode",
		"spice defaultMode insecure requested in XML configuration, but plaintext "
		"connection is not available: there is no port",
		{ "@type", "spice" }, { "@defaultMode", "insecure" },
		{ "@autoport", "no" }, { "@port", "" },
		{ "listen@type", "address|network|" }),
	  .label = AT_START },
	{ CLASH(ON(graphics), "channel@mode",
		"spice secure channels set in XML configuration, but TLS connection is not "
		"available: there is no tlsPort",
		{ "@type", "spice" }, { "channel@mode", "secure" }, { "@autoport", "no" },
		{ "@tlsPort", "" }),
	  .label = AT_START },
};
CLASHES_ONLY(secure, ON(graphics))

/* ---- graphics-twice ---- */

static void check_twice(struct scan *s, const struct device *d)
{
	struct fact type, other;
	struct finding *f;

	if (d->kind != DEVICE_graphics || !d->domain->qemu)
		return;
	type = ASK(d->node, "@type");
	for_each_device(before, d->domain, graphics)
	{
		if (before == d || !fact_known(&type))
			return;
		other = ASK(before->node, "@type");
		if (!fact_known(&other) || !str_eq(other.v, type.v))
			continue;
		f = report(
			s, d->node->open_at,
			"only 1 graphics device of each type (sdl, vnc, spice, headless, "
			"dbus) is supported, and this is a second '%s'",
			shown(s, type.v));
		report_label(s, f, AT_START);
		report_related(s, f, before->node->open_at, "the first one");
		return;
	}
}

/* ---- graphics-type ---- */

static const struct clash type_clashes[] = {
	{ CLASH(ON(graphics), "@type", "desktop graphics are not supported with QEMU",
		{ "@type", "desktop" }) },
	{ CLASH(ON(graphics), "@type",
		"rdp graphics are not supported with QEMU before libvirt 11.1",
		{ "@type", "rdp" }),
	  .lower = true },
};
CLASHES_ONLY(type, ON(graphics))

const struct rule rules_graphics[] = {
	{ .id = "graphics-headless",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "egl-headless beside graphics that it does not go with",
	  .why = "egl-headless draws with the host's GPU for VNC or SPICE to show. A window of "
		 "its own, or a SPICE that draws itself, excludes it.",
	  .steps = "Keep one of the two.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_headless, fix_headless) },
	{ .id = "graphics-listen",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "graphics that listen at two places, or at none",
	  .why = "<listen> says where, and the attributes of <graphics> are its old form: "
		 "libvirt refuses a domain in which they disagree, or that names what its type "
		 "does not have.",
	  .steps = "Keep <listen>, and remove listen='' or socket='' of <graphics>.",
	  .source = PARSE ", virDomainGraphicsListenDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_listen) },
	{ .id = "graphics-open-to-network",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "VNC or SPICE on all addresses, without a password",
	  .why = "Whoever reaches the host is at the guest's screen and keyboard, and can "
		 "restart it into a root shell.",
	  .steps =
		  "Listen on 127.0.0.1 and come through SSH, as virt-manager does, or set up "
		  "TLS and SASL in qemu.conf.",
	  .source = "QEMU, docs/system/vnc-security.rst; libvirt formatdomain, Graphical "
		    "framebuffers",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_open, fix_open) },
	{ .id = "graphics-password",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a VNC password that VNC does not have",
	  .why = "VNC's own passwords have eight characters, what is longer was cut off once "
		 "and is refused now; and VNC cannot end other sessions when it is set.",
	  .steps = "Eight characters at most, or SASL, which has real passwords.",
	  .source = "libvirt, src/qemu/qemu_validate.c, "
		    "qemuValidateDomainDeviceDefVNCGraphics(); " PARSE,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_password, fix_password) },
	{ .id = "graphics-password-plain",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a graphics password in plain text",
	  .why = "Domain XML is copied, mailed and put under version control, and the password "
		 "with it. libvirt itself only shows it to who asks with --security-info.",
	  .steps =
		  "Leave it out, and set it when the VM runs: `virsh qemu-monitor-command`, "
		  "set_password; or use SASL. A password of one start may stay.",
	  .source = "libvirt formatdomain, Graphical framebuffers: passwd in clear text",
	  .since = "0.1.0",
	  CHECK(device, check_plain) },
	{ .id = "graphics-port",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VNC port that QEMU cannot listen on",
	  .why = "QEMU counts displays from port 5900. libvirt does not start a domain with a "
		 "lower one.",
	  .steps = "port='5901', or autoport='yes'.",
	  .source = "libvirt, src/qemu/qemu_command.c, qemuBuildGraphicsVNCCommandLine()",
	  .since = "0.1.0",
	  CHECK(device, check_port) },
	{ .id = "graphics-secure",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "SPICE channels over a port that there is not",
	  .why = "Secure channels need the TLS port and plain ones the other: libvirt does not "
		 "start the domain without.",
	  .steps = "Give tlsPort='', with spice_tls in qemu.conf, or autoport='yes'.",
	  .source =
		  "libvirt, src/qemu/qemu_command.c, qemuBuildGraphicsSPICECommandLine()",
	  .since = "0.1.0",
	  CHECK(device, check_secure) },
	{ .id = "graphics-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two graphics of one type",
	  .why = "QEMU runs one server of each kind: libvirt does not start the domain.",
	  .steps = "Remove one of them.",
	  .source = "libvirt, src/qemu/qemu_command.c, "
		    "qemuBuildCommandLineValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_twice) },
	{ .id = "graphics-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "graphics of another hypervisor",
	  .why = "desktop is VirtualBox's, and RDP was until libvirt 11.1: QEMU's driver "
		 "refuses them.",
	  .steps = "Take vnc or spice.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_type) },
};
RULES_END(graphics);
