/* Devices of the host in a libvirt domain: <hostdev>, <interface type='hostdev'>.
 * libvirt, src/conf/domain_conf.c (virDomainHostdevDefParseXMLSubsys), domain_validate.c
 * (virDomainHostdevDefValidate), src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefHostdev).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define PARSE         "libvirt, src/conf/domain_conf.c, virDomainHostdevDefParseXMLSubsys()"
#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c, virDomainHostdevDefValidate()"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

#define SUBSYSTEM                                                                        \
	{                                                                                \
		"@mode", "subsystem|"                                                    \
	}

/* ---- hostdev-boot ---- */

static const struct clash boot_clashes[] = {
	{ CLASH(ON(hostdev), "boot?",
		"booting from assigned devices is not supported by vhost SCSI devices, and "
		"this one has a boot order",
		{ "@type", "scsi_host" }, { "boot?", "!" }) },
	{ CLASH(ON(hostdev), "boot?",
		"booting from assigned devices is not supported by mediated devices of model "
		"{@model}, and this one has a boot order",
		{ "@type", "mdev" }, { "@model", "vfio-pci|vfio-ap" },
		{ "boot?", "!" }) },
};
CLASHES(boot, ON(hostdev))

/* ---- hostdev-incomplete ---- */

static const struct clash incomplete_clashes[] = {
	{ CLASH(ON(hostdev), "source?", "missing <source> element in hostdev device",
		SUBSYSTEM, { "source?", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/product?",
		"missing product: a USB hostdev has a <vendor> only", { "@type", "usb" },
		{ "source/vendor?", "!" }, { "source/product?", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/vendor?",
		"missing vendor: a USB hostdev has a <product> only", { "@type", "usb" },
		{ "source/product?", "!" }, { "source/vendor?", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/vendor@id",
		"missing id of <vendor> in a USB hostdev", { "@type", "usb" },
		{ "source/vendor?", "!" }, { "source/vendor@id", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/product@id",
		"missing id of <product> in a USB hostdev", { "@type", "usb" },
		{ "source/product?", "!" }, { "source/product@id", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source?",
		"USB host device is missing bus/device information: expected <vendor> and "
		"<product>, or an <address>",
		{ "@type", "usb" }, { "source?", "!" }, { "source/vendor?", "" },
		{ "source/product?", "" }, { "source/address?", "" }),
	  .label = AT_START },
	/* port: since libvirt 11.10 or so. */
	{ CLASH(ON(hostdev), "source/address@device",
		"missing required attribute 'device' in element 'address' of a USB hostdev",
		{ "@type", "usb" }, { "source/address?", "!" },
		{ "source/address@device", "" }, { "source/address@port", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/address?",
		"'address' must be specified for scsi hostdev source",
		{ "@type", "scsi" }, { "source?", "!" },
		{ "source@protocol", "adapter|" }, { "source/address?", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/adapter@name",
		"'adapter' name must be specified for scsi hostdev source",
		{ "@type", "scsi" }, { "source?", "!" },
		{ "source@protocol", "adapter|" }, { "source/adapter@name", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source@name", "missing iSCSI hostdev source path name",
		{ "@type", "scsi" }, { "source@protocol", "iscsi" },
		{ "source@name", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/host?",
		"missing the host address for the iSCSI hostdev", { "@type", "scsi" },
		{ "source@protocol", "iscsi" }, { "source/host?", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/auth/secret@type",
		"hostdev invalid secret type '{source/auth/secret@type}', expected iscsi",
		{ "@type", "scsi" }, { "source@protocol", "iscsi" },
		{ "source/auth?", "!" }, { "source/auth/secret@type", "!iscsi" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source@protocol",
		"missing scsi_host subsystem protocol, expected vhost",
		{ "@type", "scsi_host" }, { "source?", "!" }, { "source@protocol", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source@wwpn", "missing vhost-scsi hostdev source wwpn",
		{ "@type", "scsi_host" }, { "source@protocol", "vhost" },
		{ "source@wwpn", "" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source@wwpn",
		"malformed 'wwpn' value '{source@wwpn}', expected naa. and 16 hexadecimal "
		"digits",
		{ "@type", "scsi_host" }, { "source@protocol", "vhost" },
		{ "source@wwpn", "~-naa.0123456789abcdefABCDEFx" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source/address?",
		"missing <address> element in the source of an mdev hostdev",
		{ "@type", "mdev" }, { "source?", "!" }, { "source/address?", "" }),
	  .common = true },
};
CLASHES_ONLY(incomplete, ON(hostdev))

/* ---- hostdev-mdev-display ---- */

static bool no_graphics(const struct device *d)
{
	return domain_count(d->domain, DEVICE_graphics) == 0;
}

/* An earlier one of the same kind. */
static bool has_earlier(const struct device *d, const char *path, const char *value)
{
	for_each_device(before, d->domain, hostdev)
	{
		struct fact type = ASK(before->node, "@type");
		struct fact f = ASK(before->node, path);

		if (before == d)
			return false;
		if (fact_is(&type, "mdev") && fact_is(&f, value))
			return true;
	}
	return false;
}

static bool ramfb_before(const struct device *d)
{
	return has_earlier(d, "@ramfb", "on");
}

static const struct clash mdev_display_clashes[] = {
	{ CLASH(ON(hostdev), "@display",
		"graphics device is needed for attribute value 'display=on' in <hostdev>, "
		"and there is none",
		{ "@type", "mdev" }, { "@model", "vfio-pci" }, { "@display", "on" }),
	  .also = no_graphics },
	{ CLASH(ON(hostdev), "@ramfb",
		"only one vgpu device can have 'ramfb' enabled, and this is another one",
		{ "@type", "mdev" }, { "@ramfb", "on" }),
	  .also = ramfb_before, .common = true },
};
CLASHES(mdev_display, ON(hostdev))

/* ---- hostdev-option ---- */

static const struct clash option_clashes[] = {
	{ CLASH(ON(hostdev), "@mode",
		"hostdev mode 'capabilities' is not supported in QEMU, expected subsystem",
		{ "@mode", "capabilities" }),
	  .no_fix = true },
	{ CLASH(ON(hostdev), "source@startupPolicy",
		"setting startupPolicy is only allowed for USB devices, and this one is "
		"{@type}",
		SUBSYSTEM, { "@type", "!usb|" }, { "source@startupPolicy", "!" }),
	  .common = true },
	{ CLASH(ON(hostdev), "@sgio",
		"sgio is only supported for scsi host device, and this one is {@type}",
		SUBSYSTEM, { "@type", "!scsi|" }, { "@sgio", "!" }),
	  .common = true },
	{ CLASH(ON(hostdev), "@rawio",
		"rawio is only supported for scsi host device, and this one is {@type}",
		SUBSYSTEM, { "@type", "!scsi|" }, { "@rawio", "!" }),
	  .common = true },
	{ CLASH(ON(hostdev), "@model",
		"'model' attribute in <hostdev> is only supported with type='mdev' and "
		"type='scsi_host', and this one is {@type}",
		SUBSYSTEM, { "@type", "!mdev|scsi_host|" }, { "@model", "!" }),
	  .common = true },
	{ CLASH(ON(hostdev), "source@writeFiltering",
		"write filtering of PCI device configuration space is not supported by qemu",
		{ "@type", "pci" }, { "source@writeFiltering", "!" }) },
	{ CLASH(ON(hostdev), "driver@name",
		"invalid PCI passthrough type '{driver@name}', expected vfio",
		{ "@type", "pci" }, { "driver@name", "kvm|xen" }),
	  .set = "vfio",
	  .label =
		  "libvirt defines the domain, and with a kernel since 4.12 does not start "
		  "it" },
	{ CLASH(ON(hostdev), "teaming@type",
		"teaming hostdev devices must have type='transient', and this one has "
		"'{teaming@type}'",
		SUBSYSTEM, { "teaming@type", "persistent" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(hostdev), "teaming@persistent",
		"missing required persistent attribute in hostdev teaming element",
		SUBSYSTEM, { "teaming@type", "transient" }, { "teaming@persistent", "" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(hostdev), "teaming?",
		"teaming is only supported for pci hostdev devices, and this one is {@type}",
		SUBSYSTEM, { "teaming@type", "transient" }, { "@type", "!pci|" }),
	  .common = true },
};
CLASHES(option, ON(hostdev))

/* ---- hostdev-twice ---- */

/* Of the host, by what libvirt tells two of them apart. */
static bool same_number(const struct node *a, const struct node *b, const char *path)
{
	struct fact x = ASK(a, path), y = ASK(b, path);
	uint64_t v = 0, w = 0;

	if ((!fact_absent(&x) && !fact_number(&x, &v)) ||
	    (!fact_absent(&y) && !fact_number(&y, &w)))
		return false;
	return v == w;
}

static bool same_text(const struct node *a, const struct node *b, const char *path)
{
	struct fact x = ASK(a, path), y = ASK(b, path);

	return fact_known(&x) && fact_known(&y) && x.v.n && str_eq(x.v, y.v);
}

static bool is_given(const struct node *n, const char *path)
{
	struct fact f = ASK(n, path);
	uint64_t v;

	return fact_number(&f, &v) && v > 0;
}

static bool same_usb(const struct node *a, const struct node *b)
{
	if (is_given(a, "source/address@bus") && is_given(a, "source/address@device"))
		return same_number(a, b, "source/address@bus") &&
		       same_number(a, b, "source/address@device");
	return is_given(a, "source/vendor@id") && same_number(a, b, "source/vendor@id") &&
	       same_number(a, b, "source/product@id");
}

static bool same_pci(const struct node *a, const struct node *b)
{
	struct fact one = ASK(a, "source/address?"), two = ASK(b, "source/address?");

	return fact_known(&one) && fact_known(&two) &&
	       same_number(a, b, "source/address@domain") &&
	       same_number(a, b, "source/address@bus") &&
	       same_number(a, b, "source/address@slot") &&
	       same_number(a, b, "source/address@function");
}

static bool same_scsi(const struct node *a, const struct node *b)
{
	struct fact one = ASK(a, "source@protocol"), two = ASK(b, "source@protocol");

	if (fact_is(&one, "iscsi") && fact_is(&two, "iscsi"))
		return same_text(a, b, "source@name") &&
		       same_text(a, b, "source/host@name") &&
		       same_number(a, b, "source/host@port");
	return fact_is_not(&one, "iscsi") && fact_is_not(&two, "iscsi") &&
	       same_text(a, b, "source/adapter@name") &&
	       same_number(a, b, "source/address@bus") &&
	       same_number(a, b, "source/address@target") &&
	       same_number(a, b, "source/address@unit");
}

/* Of an <interface> the type stands in the source. */
static struct fact type_of(const struct device *d)
{
	struct fact f = d->kind == DEVICE_interface ? ASK(d->node, "source/address@type")
						    : ASK(d->node, "@type");

	f.lens = NULL;
	return f;
}

static bool is_subsystem(const struct device *d)
{
	struct fact mode = ASK(d->node, "@mode"), type = ASK(d->node, "@type");

	if (d->kind == DEVICE_interface)
		return fact_is(&type, "hostdev");
	return d->kind == DEVICE_hostdev &&
	       (fact_absent(&mode) || fact_is(&mode, "subsystem"));
}

static bool same_device(const struct device *a, const struct device *b)
{
	struct fact type = type_of(a), other = type_of(b);

	if (!is_subsystem(b) || !fact_known(&type) || !fact_known(&other) ||
	    !str_eq(type.v, other.v))
		return false;
	if (fact_is(&type, "pci"))
		return same_pci(a->node, b->node);
	if (fact_is(&type, "usb"))
		return same_usb(a->node, b->node);
	if (fact_is(&type, "scsi"))
		return same_scsi(a->node, b->node);
	if (fact_is(&type, "scsi_host"))
		return same_text(a->node, b->node, "source@wwpn");
	return fact_is(&type, "mdev") &&
	       same_text(a->node, b->node, "source/address@uuid");
}

/* libvirt puts the devices of interfaces in one list with the others. */
static const struct device *earlier_same(const struct device *d)
{
	for_each_device(before, d->domain, interface)
	{
		if (before == d)
			return NULL;
		if (same_device(before, d))
			return before;
	}
	for_each_device(before, d->domain, hostdev)
	{
		if (before == d)
			return NULL;
		if (same_device(before, d))
			return before;
	}
	return NULL;
}

static void check_twice(struct scan *s, const struct device *d)
{
	const struct device *before;
	struct finding *f;

	if (!is_subsystem(d))
		return;
	before = earlier_same(d);
	if (!before)
		return;
	f = report(
		s, d->node->open_at,
		"hostdev already exists in the domain configuration: the same device of "
		"the host twice");
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, before->node->open_at, "the other one");
}

/* The same again says nothing more. */
static bool fix_twice(struct plan *p, const struct finding *f, const struct device *d)
{
	(void)f;
	if (d->kind != DEVICE_hostdev)
		return plan_refuse(p, "one is an <interface>, which the guest may need");
	plan_title(p, "remove the second <hostdev>");
	return plan_remove_node(p, d->node);
}

/* ---- hostdev-usb-number ---- */

static const struct clash usb_number_clashes[] = {
	{ CLASH(ON(hostdev), "source/address?",
		"a USB device by bus {source/address@bus} and device "
		"{source/address@device}, and not by vendor and product",
		{ "@type", "usb" }, { "source/address@device", "#>0" },
		{ "source/vendor?", "" }),
	  .label =
		  "the device number is another one after each replugging and each start "
		  "of the host" },
};
CLASHES_ONLY(usb_number, ON(hostdev))

/* ---- hostdev-vfio-ap-twice ---- */

static bool ap_before(const struct device *d)
{
	return has_earlier(d, "@model", "vfio-ap");
}

static const struct clash vfio_ap_clashes[] = {
	{ CLASH(ON(hostdev), "@model",
		"only one hostdev of model vfio-ap is supported, and this is another one",
		{ "@type", "mdev" }, { "@model", "vfio-ap" }),
	  .also = ap_before },
};
CLASHES_ONLY(vfio_ap, ON(hostdev))

/* ---- sgio-unfiltered ---- */

static const struct clash sgio_clashes[] = {
	{ CLASH(ON(disk) | ON(hostdev), "@sgio", "unfiltered sgio is no longer supported",
		{ "@sgio", "unfiltered" }),
	  .common = true },
};
CLASHES(sgio, ON(disk) | ON(hostdev))

const struct rule rules_hostdev[] = {
	{ .id = "hostdev-boot",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a boot order on a device of the host that cannot be booted from",
	  .why = "Firmware finds no option ROM and no disk in a mediated device or behind a "
		 "vhost SCSI host: libvirt refuses the domain.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefHostdev()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_boot, fix_boot) },
	{ .id = "hostdev-incomplete",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a device of the host that is not named",
	  .why = "Each type is found by its own <source>: PCI and mediated devices by an "
		 "<address>, USB by <vendor> and <product> or bus and device, SCSI by adapter "
		 "and address. libvirt refuses what is not whole.",
	  .steps =
		  "`virsh nodedev-list` and `virsh nodedev-dumpxml` show what belongs there.",
	  .source = PARSE,
	  .since = "0.1.0",
	  CHECK(device, check_incomplete) },
	{ .id = "hostdev-mdev-display",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a display of a mediated device that nobody shows",
	  .why = "display='on' hands the picture to VNC or SPICE, and one device at a time "
		 "can draw it before its driver runs (ramfb).",
	  .steps = "Add <graphics>, or remove the attribute.",
	  .source = VALIDATE_QEMU
	  ", qemuValidateDomainMdevDefVFIOPCI(); "
	  "src/conf/domain_validate.c, virDomainDefHostdevValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_mdev_display, fix_mdev_display) },
	{ .id = "hostdev-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an option of a device of the host that its type does not have",
	  .why = "rawio and sgio are SCSI's, startupPolicy is USB's, a model is that of "
		 "mediated devices and SCSI hosts: libvirt refuses them elsewhere.",
	  .source = PARSE "; " VALIDATE_CONF "; " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_option, fix_option) },
	{ .id = "hostdev-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "one device of the host, handed to the guest twice",
	  .why = "A device is attached once. libvirt compares addresses, USB ids, SCSI places "
		 "and UUIDs, and refuses a domain that has one of them twice.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainHostdevMatchSubsys()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_twice, fix_twice) },
	{ .id = "hostdev-usb-number",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "a USB device of the host by its number",
	  .why = "Linux counts devices of a bus upwards as they come: after a replugging or a "
		 "start of the host the number is another device's, or nobody's.",
	  .steps =
		  "Name it by <vendor id=''/> and <product id=''/>, which `lsusb` shows; two "
		  "of one kind need the number.",
	  .source = "libvirt formatdomain, USB / PCI / SCSI devices",
	  .since = "0.1.0",
	  CHECK(device, check_usb_number) },
	{ .id = "hostdev-vfio-ap-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two mediated devices for crypto on one guest",
	  .why = "A guest has one AP matrix, and a vfio-ap device is one: libvirt refuses a "
		 "second.",
	  .steps = "Assign all adapters and domains to one mediated device.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainMdevDefVFIOAP()",
	  .since = "0.1.0",
	  CHECK(device, check_vfio_ap) },
	{ .id = "sgio-unfiltered",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "SCSI commands that the kernel is not to filter",
	  .why = "Only patched kernels could switch the filter of SCSI commands off per device. "
		 "libvirt no longer tries, and refuses the value.",
	  .steps =
		  "Remove the attribute: the default is the filter, which privileged guests "
		  "can be let past with rawio='yes'.",
	  .source = VALIDATE_CONF
	  "; src/conf/domain_validate.c, virDomainDiskDefValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_sgio, fix_sgio) },
};
RULES_END(hostdev);
