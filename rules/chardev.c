/* Character devices of a libvirt domain, and what else has a <source> like theirs: serial,
 * parallel, console, channel, smartcard, redirdev, an EGD backend of rng.
 * libvirt, src/conf/domain_conf.c (virDomainChrSourceDefParseXML), domain_validate.c
 * (virDomainChrSourceDefValidate), src/qemu/qemu_validate.c (qemuValidateDomainChrDef).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define VALIDATE_CONF                                                                    \
	"libvirt, src/conf/domain_validate.c, virDomainChrSourceDefValidate()"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c, qemuValidateDomainChrDef()"

#define CHARDEVS (ON(serial) | ON(parallel) | ON(console) | ON(channel))
#define SOURCES  (CHARDEVS | ON(smartcard) | ON(redirdev) | ON(rng))

/* The element that has type='' and <source>; NULL: none here. */
static const struct node *source_owner(const struct device *d)
{
	const struct node *backend;
	struct fact mode;

	switch (d->kind) {
	case DEVICE_serial:
	case DEVICE_parallel:
	case DEVICE_console:
	case DEVICE_channel:
	case DEVICE_redirdev:
		return d->node;
	case DEVICE_smartcard:
		mode = ASK(d->node, "@mode");
		return fact_is(&mode, "passthrough") ? d->node : NULL;
	case DEVICE_rng:
		backend = node_child(d->node, "backend");
		if (!backend)
			return NULL;
		mode = ASK(backend, "@model");
		return fact_is(&mode, "egd") ? backend : NULL;
	default:
		return NULL;
	}
}

static void check_rows(struct scan *s, const struct device *d, const struct clash *rows,
		       size_t n)
{
	const struct node *owner = source_owner(d);

	if (owner)
		clash_check(s, d, owner, rows, n);
}

#define ROWS(name)                                                                       \
	static void check_##name(struct scan *s, const struct device *d)                 \
	{                                                                                \
		check_rows(s, d, name##_clashes,                                         \
			   sizeof(name##_clashes) / sizeof(name##_clashes[0]));          \
	}                                                                                \
	static bool fix_##name(struct plan *p, const struct finding *f,                  \
			       const struct device *d)                                   \
	{                                                                                \
		const struct node *owner = source_owner(d);                              \
                                                                                         \
		return owner && clash_fix(p, f, owner, name##_clashes);                  \
	}

/* ---- chardev-reconnect ---- */

/* qemuDomainChrDefDropDefaultPath(): a path that libvirt made once, which it makes anew. */
static bool is_made(const struct device *d)
{
	struct fact path = ASK(d->node, "source@path"),
		    name = ASK(d->node, "target@name");
	struct str rest = path.v;
	size_t n = 0;

	if (!fact_known(&path) || !fact_known(&name) || rest.n <= name.v.n)
		return false;
	rest.n -= name.v.n;
	if (!str_eq((struct str){ rest.p + rest.n, name.v.n }, name.v) ||
	    rest.p[rest.n - 1] != '/')
		return false;
	rest.n--;
	while (n < rest.n && rest.p[rest.n - 1 - n] != '/')
		n++;
	return n < rest.n &&
	       str_starts((struct str){ rest.p + rest.n - n, n }, "domain-");
}

static const struct clash reconnect_clashes[] = {
	{ CLASH(SOURCES, "source/reconnect?",
		"chardev reconnect is possible only for connect mode, and this is "
		"mode='bind'",
		{ "@type", "tcp|unix" }, { "source@mode", "bind" },
		{ "source/reconnect@enabled", "!" }),
	  .common = true },
	{ CLASH(ON(channel), "source/reconnect?",
		"chardev reconnect is possible only for connect mode: without a path libvirt "
		"makes one and listens on it",
		{ "@type", "unix" }, { "source@path", "" },
		{ "source/reconnect@enabled", "!" }) },
	{ CLASH(ON(channel), "source/reconnect?",
		"chardev reconnect is possible only for connect mode: libvirt takes the path "
		"for one of its own making, makes another and listens on it",
		{ "@type", "unix" }, { "target@type", "virtio" }, { "source@path", "!" },
		{ "source/reconnect@enabled", "!" }),
	  .also = is_made },
	{ CLASH(SOURCES, "source/reconnect@timeout",
		"missing required attribute 'timeout' in element 'reconnect'",
		{ "@type", "tcp|unix" }, { "source/reconnect@enabled", "yes" },
		{ "source/reconnect@timeout", "" }),
	  .common = true, .no_fix = true },
	{ CLASH(SOURCES, "source/reconnect@timeout",
		"chardev reconnect source timeout cannot be '0'", { "@type", "tcp|unix" },
		{ "source/reconnect@enabled", "yes" },
		{ "source/reconnect@timeout", "#=0" }),
	  .no_fix = true },
};
ROWS(reconnect)

/* ---- chardev-source-missing ---- */

#define CHANNEL_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

static const struct clash missing_clashes[] = {
	{ CLASH(SOURCES, "source@path",
		"missing source path attribute for char device of type '{@type}'",
		{ "@type", "file|dev|pipe" }, { "source@path", "" }),
	  .common = true },
	{ CLASH(SOURCES & ~ON(channel), "source@path",
		"missing source path attribute for char device of type 'unix'",
		{ "@type", "unix" }, { "source@path", "" }),
	  .common = true },
	{ CLASH(ON(channel), "source@path",
		"missing source path attribute for char device of type 'unix': libvirt makes "
		"one for virtio and xen channels only",
		{ "@type", "unix" }, { "source@path", "" },
		{ "target@type", "!virtio|xen|" }),
	  .common = true },
	{ CLASH(SOURCES, "source@host",
		"missing source host attribute for char device of type 'tcp'",
		{ "@type", "tcp" }, { "source@host", "" }),
	  .common = true },
	{ CLASH(SOURCES, "source@service",
		"missing source service attribute for char device of type 'tcp'",
		{ "@type", "tcp" }, { "source@service", "" }),
	  .common = true },
	{ CLASH(SOURCES, "source@master",
		"should define both master and slave path attributes for nmdm device",
		{ "@type", "nmdm" }, { "source@slave", "!" }, { "source@master", "" }),
	  .common = true },
	{ CLASH(SOURCES, "source@slave",
		"should define both master and slave path attributes for nmdm device",
		{ "@type", "nmdm" }, { "source@master", "!" }, { "source@slave", "" }),
	  .common = true },
	{ CLASH(SOURCES & ~ON(redirdev), "source@channel",
		"missing source channel attribute for char device of type '{@type}'",
		{ "@type", "spiceport|dbus" }, { "source@channel", "" }),
	  .common = true },
	{ CLASH(SOURCES, "source@channel",
		"invalid character in source channel for char device: '{source@channel}'",
		{ "@type", "spiceport|dbus" }, { "source@channel", "~-" CHANNEL_CHARS }),
	  .common = true },
	{ CLASH(SOURCES, "source@path",
		"UNIX socket path '{source@path}' too long, expected 107 bytes at most",
		{ "@type", "unix" }, { "source@path", "~>107" }),
	  .label = AT_START },
	{ CLASH(ON(smartcard), "@type",
		"passthrough mode requires a character device type attribute",
		{ "@type", "" }),
	  .common = true },
	{ CLASH(ON(redirdev), "@type",
		"missing type in redirdev, expected spicevmc or tcp", { "@type", "" }),
	  .common = true },
	{ CLASH(ON(rng), "@type", "missing EGD backend type, expected tcp, udp or unix",
		{ "@type", "" }),
	  .common = true },
};

/* UDP sends to the one that connects, and may listen on a second one. */
static void check_udp(struct scan *s, const struct node *owner)
{
	for (const struct node *n = node_child(owner, "source"); n; n = node_again(n)) {
		struct fact mode = ASK(n, "@mode"), service = ASK(n, "@service");

		if (mode.state == FACT_UNKNOWN || service.state == FACT_UNKNOWN ||
		    (!fact_is(&mode, "bind") && fact_known(&service)))
			return;
	}
	report_label(s,
		     report(s, owner->open_at,
			    "missing source service attribute for char device of type "
			    "'udp': expected <source mode='connect' service=''/>"),
		     DOMAIN_REFUSES);
}

/* The first console is the first serial port by another name: what it says of itself is
 * thrown away. */
static bool is_alias(const struct device *d)
{
	struct fact type = ASK(d->node, "target@type"), of = ASK(d->node, "@type");

	/* An nmdm console is refused before that. */
	return d->kind == DEVICE_console && !fact_is(&of, "nmdm") &&
	       domain_count(d->domain, DEVICE_serial) &&
	       d == &d->domain->devices[d->domain->first[DEVICE_console]] &&
	       (fact_absent(&type) || fact_is(&type, "serial"));
}

static void check_missing(struct scan *s, const struct device *d)
{
	const struct node *owner = source_owner(d);
	struct fact type;

	if (!owner || is_alias(d))
		return;
	clash_check(s, d, owner, missing_clashes,
		    sizeof(missing_clashes) / sizeof(missing_clashes[0]));
	type = ASK(owner, "@type");
	if (fact_is(&type, "udp"))
		check_udp(s, owner);
}

/* ---- chardev-part-twice ---- */

static void check_count(struct scan *s, const struct node *owner, const char *name,
			size_t most)
{
	size_t n = 0;

	for (const struct node *c = node_child(owner, name); c; c = node_again(c)) {
		if (n++ == most)
			report_label(
				s,
				report(s, c->open_at,
				       most == 1 ? "only one %s element is allowed for "
						   "character device"
						 : "only two %s elements are allowed "
						   "for character device",
				       name),
				DOMAIN_REFUSES);
	}
}

static void check_part_twice(struct scan *s, const struct device *d)
{
	const struct node *owner = source_owner(d);
	struct fact type;

	if (!owner)
		return;
	type = ASK(owner, "@type");
	if (type.state != FACT_UNKNOWN)
		check_count(s, owner, "source", fact_is(&type, "udp") ? 2 : 1);
	check_count(s, owner, "log", 1);
	check_count(s, owner, "protocol", 1);
}

/* ---- chardev-open-to-network ---- */

#define ANY "0.0.0.0|::|*"

static const struct clash open_clashes[] = {
	{ CLASH(CHARDEVS, "source@host",
		"a {@type} console that listens on {source@host}: whoever reaches the host "
		"has it",
		{ "@type", "tcp" }, { "source@mode", "bind" }, { "source@host", ANY },
		{ "source@tls", "!yes" }),
	  .set = "127.0.0.1",
	  .label = "no password, no encryption; expected 127.0.0.1, a UNIX socket or tls="
		   "'yes'" },
};
CLASHES(open, CHARDEVS)

/* ---- chardev-spice ---- */

static bool no_spice(const struct device *d)
{
	for_each_device(g, d->domain, graphics)
	{
		struct fact type = ASK(g->node, "@type");

		if (type.state == FACT_UNKNOWN || fact_is(&type, "spice"))
			return false;
	}
	return true;
}

static const struct clash spice_clashes[] = {
	{ CLASH(SOURCES, "",
		"chardev '{@type}' not supported without spice graphics, which there are not",
		{ "@type", "spicevmc|spiceport" }),
	  .also = no_spice },
};

static void check_spice(struct scan *s, const struct device *d)
{
	struct fact type;

	check_rows(s, d, spice_clashes, 1);
	if (d->kind != DEVICE_audio || !d->domain->qemu)
		return;
	type = ASK(d->node, "@type");
	if (fact_is(&type, "spice") && no_spice(d))
		report_label(
			s,
			report(s, d->node->open_at,
			       "spice audio is not supported without spice graphics"),
			DOMAIN_REFUSES);
}

static bool fix_spice(struct plan *p, const struct finding *f, const struct device *d)
{
	(void)f;
	plan_title(p, "remove the <%s>", device_kind_name(d->kind));
	return plan_remove_node(p, d->node);
}

/* ---- chardev-target ---- */

static bool not_virt(const struct device *d)
{
	return d->domain->machine != MACHINE_VIRT &&
	       d->domain->machine != MACHINE_UNKNOWN;
}

static bool not_pseries(const struct device *d)
{
	return d->domain->machine != MACHINE_PSERIES &&
	       d->domain->machine != MACHINE_UNKNOWN;
}

static bool is_pseries(const struct device *d)
{
	return d->domain->machine == MACHINE_PSERIES;
}

#define MODEL(model, type)                                                               \
	{                                                                                \
		CLASH(ON(serial), "target/model@name",                                   \
		      "Target model '{target/model@name}' requires target type '" type   \
		      "', and this one is '{target@type}'",                              \
		      { "target/model@name", model }, { "target@type", "!" type "|" }),  \
			.no_fix = true                                                   \
	}

static const struct clash target_clashes[] = {
	{ CLASH(ON(channel), "", "target type must be specified for a channel device",
		{ "target?", "" }),
	  .common = true },
	{ CLASH(ON(channel), "target@address",
		"guestfwd channel does not define a target address",
		{ "target@type", "guestfwd" }, { "target@address", "" }),
	  .common = true },
	{ CLASH(ON(channel), "target@port",
		"missing required attribute 'port' in the target of a guestfwd channel",
		{ "target@type", "guestfwd" }, { "target@port", "" }),
	  .common = true },
	{ CLASH(ON(channel), "target@type",
		"spicevmc device type only supports virtio, and this channel is "
		"'{target@type}'",
		{ "@type", "spicevmc" }, { "target@type", "!virtio|" }),
	  .common = true },
	{ CLASH(ON(channel), "target@name",
		"unsupported spicevmc target name '{target@name}', expected "
		"com.redhat.spice.0",
		{ "@type", "spicevmc" }, { "target@type", "virtio" },
		{ "target@name", "!com.redhat.spice.0|" }),
	  .label = AT_START },
	MODEL("isa-serial", "isa-serial"),
	MODEL("usb-serial", "usb-serial"),
	MODEL("pci-serial", "pci-serial"),
	MODEL("spapr-vty", "spapr-vio-serial"),
	MODEL("pl011|16550a", "system-serial"),
	MODEL("sclpconsole|sclplmconsole", "sclp-serial"),
	MODEL("isa-debugcon", "isa-debug"),
	{ CLASH(ON(serial), "target@type",
		"Serial device with target type 'spapr-vio-serial' not compatible with guest "
		"architecture or machine type",
		{ "target@type", "spapr-vio-serial" }),
	  .also = not_pseries },
	{ CLASH(ON(serial), "target@type",
		"Serial device with target type 'sclp-serial' not compatible with guest "
		"architecture {%arch}",
		{ "target@type", "sclp-serial" }, { "%arch", "!s390|s390x|" }) },
	{ CLASH(ON(serial), "target/model@name",
		"Serial device with target model '{target/model@name}' not compatible with "
		"guest architecture or machine type",
		{ "target/model@name", "pl011|16550a" },
		{ "target@type", "system-serial" }),
	  .also = not_virt },
	{ CLASH(ON(serial), "target@type",
		"isa-debug serial type only valid on x86 architecture, and this one is "
		"{%arch}",
		{ "target@type", "isa-debug" }, { "%arch", "!x86_64|i686|" }),
	  .common = true },
	{ CLASH(ON(console), "target@type",
		"unsupported console target type {target@type}",
		{ "target@type", "xen|uml|lxc|openvz" }) },
	{ CLASH(ON(parallel), "",
		"parallel ports are not supported on architecture {%arch}",
		{ "%arch", "s390|s390x" }) },
	{ .kinds = ON(parallel),
	  .at = "",
	  .says = "parallel ports are not supported on pseries machines",
	  .also = is_pseries },
};
CLASHES_ONLY(target, ON(channel) | ON(console) | ON(parallel) | ON(serial))

/* ---- serial-port-number ---- */

static bool is_isa(const struct device *d)
{
	struct fact type = ASK(d->node, "target@type");

	return fact_absent(&type) || fact_is(&type, "isa-serial");
}

static bool is_x86(const struct domain *d)
{
	return fact_is(&d->vm->arch, "x86_64") || fact_is(&d->vm->arch, "i686");
}

/* virDomainChrIsaSerialDefPostParse(): of four. */
static void check_ports(struct scan *s, const struct device *d)
{
	struct fact port, other;
	uint64_t v, w;
	size_t before = 0;

	if (d->kind != DEVICE_serial || !is_isa(d) || !d->domain->qemu ||
	    !is_x86(d->domain))
		return;
	port = ASK(d->node, "target@port");
	for_each_device(b, d->domain, serial)
	{
		if (b == d)
			break;
		if (!is_isa(b))
			continue;
		before++;
		other = ASK(b->node, "target@port");
		if (fact_number(&port, &v) && fact_number(&other, &w) && v == w) {
			struct finding *f =
				report(s, port.at, "target port '%llu' already allocated",
				       (unsigned long long)v);

			report_label(s, f, DOMAIN_REFUSES);
			report_related(s, f, other.at, "the other serial port");
			return;
		}
	}
	if (before >= 4 || (fact_number(&port, &v) && v >= 4))
		report_label(
			s,
			report(s, before >= 4 ? d->node->open_at : port.at,
			       "maximum supported number of ISA serial ports is '4', "
			       "and this is %s",
			       before >= 4 ? "another one" : "one beyond"),
			"QEMU exits at start");
}

/* ---- serial-telnets ---- */

static const struct clash telnets_clashes[] = {
	{ CLASH(CHARDEVS, "protocol@type",
		"protocol type '{protocol@type}' is not supported by QEMU, expected raw or "
		"telnet",
		{ "@type", "tcp" }, { "protocol@type", "telnets|tls" }),
	  .label = "libvirt refuses the domain, or the console is not encrypted; "
		   "<source tls='yes'/> is" },
};
CLASHES_ONLY(telnets, CHARDEVS)

const struct rule rules_chardev[] = {
	{ .id = "chardev-open-to-network",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a console that anyone on the network can use",
	  .why = "A TCP console asks for no password: who connects sits in front of the guest, "
		 "mostly at a root shell or at its boot loader.",
	  .steps = "Listen on 127.0.0.1, take a UNIX socket, or set tls='yes' with "
		   "certificates of both sides.",
	  .source =
		  "QEMU, docs/system/security.rst; libvirt formatdomain, TCP client/server",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_open, fix_open) },
	{ .id = "chardev-part-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a character device with two sources, logs or protocols",
	  .why = "One end of a character device is on the host. UDP has two, one to listen and "
		 "one to send; libvirt refuses more.",
	  .steps = "Remove what is not meant.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainChrSourceDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_part_twice) },
	{ .id = "chardev-reconnect",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a character device that cannot reconnect as it says",
	  .why = "Who listens waits for the other side and has nothing to reconnect to; who "
		 "connects needs a number of seconds that is not 0.",
	  .steps =
		  "<reconnect enabled='yes' timeout='10'/> with mode='connect', or none.",
	  .source = VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_reconnect, fix_reconnect) },
	{ .id = "chardev-source-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a character device whose other end is not said",
	  .why = "A file, a device and a socket have a path, TCP has a host and a service: "
		 "libvirt refuses the domain without them.",
	  .steps = "Give <source> what its type needs. type='pty' needs nothing.",
	  .source = VALIDATE_CONF,
	  .since = "0.1.0",
	  CHECK(device, check_missing) },
	{ .id = "chardev-spice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a SPICE channel without SPICE",
	  .why = "Agents, redirected USB devices and smartcards go through the SPICE server. "
		 "Where <graphics type='spice'/> was changed to VNC they stay behind, and "
		 "libvirt refuses the domain.",
	  .steps =
		  "Remove what is of SPICE, or add <graphics type='spice'/>. With VNC the "
		  "clipboard goes through <channel type='qemu-vdagent'>.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainChrSourceDef()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_spice, fix_spice) },
	{ .id = "chardev-target",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a character device that this guest cannot have",
	  .why = "Serial ports are of the machine: ISA's on x86, SCLP's on s390, VIO's on "
		 "pseries; a model belongs to one target type, a channel needs one.",
	  .steps =
		  "Leave <target> of a serial port out: libvirt takes what the machine has.",
	  .source = VALIDATE_QEMU
	  "; src/conf/domain_conf.c, virDomainChrDefParseTargetXML()",
	  .since = "0.1.0",
	  CHECK(device, check_target) },
	{ .id = "serial-port-number",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a serial port's number twice, or more than four of them",
	  .why = "A PC has four ISA serial ports, each at addresses of its own. QEMU does not "
		 "start with a fifth, and two of one number are at the same place.",
	  .steps =
		  "Number them 0 to 3, or leave the numbers out; more go to usb-serial or "
		  "pci-serial.",
	  .source = "libvirt, src/conf/domain_postparse.c, "
		    "virDomainChrIsaSerialDefPostParse()",
	  .since = "0.1.0",
	  CHECK(device, check_ports) },
	{ .id = "serial-telnets",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a console that asks for encryption in a way that QEMU does not have",
	  .why = "QEMU speaks raw and telnet. libvirt of before 10.0 lets telnets and tls "
		 "pass, and the console is plain text.",
	  .steps = "<protocol type='raw'/> or telnet, and tls='yes' in <source>.",
	  .source =
		  "libvirt, src/qemu/qemu_command.c, qemuBuildChardevStr(): telnet only",
	  .since = "0.1.0",
	  CHECK(device, check_telnets) },
};
RULES_END(chardev);
