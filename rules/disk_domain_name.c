/* Disks of a libvirt domain: their targets, the names that they show to the guest, and their
 * threads.
 * libvirt, src/conf/domain_validate.c (virDomainDiskDefValidate), src/util/virutil.c
 * (virDiskNameParse), src/qemu/qemu_validate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define DISK          "disk '{target@dev}'"
#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

/* ---- disk-target-name ---- */

static const char *const prefixes[] = { "fd", "hd", "sd", "vd", "xvd", "ubd" };
enum { PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

/* Letters behind the prefix, then digits: what is wrong with such a name, or NULL. */
static const char *name_fault(struct str name)
{
	size_t i = 0, digits;
	uint64_t index = 0;

	while (i < PREFIXES && !str_starts(name, prefixes[i]))
		i++;
	if (i == PREFIXES)
		return "expected a name such as vda, sda, hda or fda";
	i = strlen(prefixes[i]);
	if (i == name.n || name.p[i] < 'a' || name.p[i] > 'z')
		return "expected letters behind its prefix";
	for (; i < name.n && name.p[i] >= 'a' && name.p[i] <= 'z'; i++) {
		index = (index + 1) * 26 + (uint64_t)(name.p[i] - 'a');
		if (index > INT32_MAX)
			return "its letters stand for a number that overflows";
	}
	for (digits = i;
	     digits < name.n && name.p[digits] >= '0' && name.p[digits] <= '9';)
		digits++;
	if (digits < name.n)
		return "expected letters only behind its prefix";
	return digits > i ? "partitions can't appear in disk targets" : NULL;
}

/* nvme0n1: of the bus that libvirt got in 11.5. */
static bool is_nvme(struct str name)
{
	return str_starts(name, "nvme");
}

static void check_target_name(struct scan *s, const struct device *d)
{
	struct fact dev, device;
	const char *fault = NULL;

	if (d->kind != DEVICE_disk)
		return;
	dev = ASK(d->node, "target@dev");
	device = ASK(d->node, "@device");
	if (fact_absent(&dev) && !node_child(d->node, "target")) {
		report_label(s,
			     report(s, d->node->open_at,
				    "missing target information for a disk, expected "
				    "<target dev='NAME'/>"),
			     DOMAIN_REFUSES);
		return;
	}
	if (!fact_known(&dev) || is_nvme(dev.v))
		return;
	if (fact_is(&device, "floppy") && !str_starts(dev.v, "fd"))
		fault = "invalid floppy device name, expected fda or fdb";
	else if ((fact_absent(&device) || fact_is(&device, "disk") ||
		  fact_is(&device, "lun")) &&
		 str_starts(dev.v, "fd"))
		fault = "invalid harddisk device name, expected one such as vda or sda";
	else if (d->domain->qemu)
		fault = name_fault(dev.v);
	if (fault)
		report_label(s,
			     report(s, dev.at, "invalid disk target '%s': %s",
				    shown(s, dev.v), fault),
			     DOMAIN_REFUSES);
}

/* vdb1: vdb, where no disk has that. */
static bool fix_target_name(struct plan *p, const struct finding *f,
			    const struct device *d)
{
	struct fact dev = ASK(d->node, "target@dev");
	struct str name = dev.v;

	(void)f;
	while (name.n && name.p[name.n - 1] >= '0' && name.p[name.n - 1] <= '9')
		name.n--;
	if (!fact_known(&dev) || name.n == dev.v.n || name_fault(name))
		return plan_refuse(p, "what it should be called is not known");
	for_each_device(other, d->domain, disk)
	{
		struct fact taken = ASK(other->node, "target@dev");

		if (taken.state == FACT_UNKNOWN ||
		    (fact_known(&taken) && str_eq(taken.v, name)))
			return plan_refuse(p, "another disk may have the name that it "
					      "would get");
	}
	plan_title(p, "dev='%.*s'", STR_ARG(name));
	return plan_replace(p, dev.at, name);
}

/* ---- disk-target-twice ---- */

static void check_target_twice(struct scan *s, const struct device *d)
{
	struct fact dev, other;
	struct finding *f;

	if (d->kind != DEVICE_disk)
		return;
	dev = ASK(d->node, "target@dev");
	if (!fact_known(&dev))
		return;
	for_each_device(before, d->domain, disk)
	{
		if (before == d)
			return;
		other = ASK(before->node, "target@dev");
		if (!fact_known(&other) || !str_eq(other.v, dev.v))
			continue;
		f = report(s, dev.at, "target '%s' duplicated for disk sources",
			   shown(s, dev.v));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other.at, "the other disk");
		return;
	}
}

static bool is_taken(const struct domain *d, struct str name)
{
	for_each_device(disk, d, disk)
	{
		struct fact taken = ASK(disk->node, "target@dev");

		if (taken.state == FACT_UNKNOWN ||
		    (fact_known(&taken) && str_eq(taken.v, name)))
			return true;
	}
	return false;
}

/* The next free letter. */
static bool fix_target_twice(struct plan *p, const struct finding *f,
			     const struct device *d)
{
	struct fact dev = ASK(d->node, "target@dev");
	char name[8];

	(void)f;
	if (!fact_known(&dev) || dev.v.n < 3 || dev.v.n >= sizeof(name) ||
	    name_fault(dev.v))
		return plan_refuse(p, "what it should be called is not known");
	memcpy(name, dev.v.p, dev.v.n);
	name[dev.v.n] = '\0';
	for (char c = 'a'; c <= 'z'; c++) {
		name[dev.v.n - 1] = c;
		if (is_taken(d->domain, str_of(name)))
			continue;
		plan_title(p, "dev='%s', the next one that is free", name);
		return plan_set(p, &dev, name);
	}
	return plan_refuse(p, "no letter is free");
}

/* ---- disk-identity ---- */

#define PRINTABLE                                                                        \
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"            \
	"abcdefghijklmnopqrstuvwxyz{|}~"
#define SERIAL_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .+"

static const struct clash identity_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "vendor",
	  .common = true,
	  .when = { { "vendor", "~>8" } },
	  .says = "disk vendor is more than 8 characters: '{vendor}' of " DISK },
	{ .kinds = ON(disk),
	  .at = "vendor",
	  .common = true,
	  .when = { { "vendor", "~-" PRINTABLE } },
	  .says = "disk vendor is not printable string: '{vendor}' of " DISK },
	{ .kinds = ON(disk),
	  .at = "product",
	  .common = true,
	  .when = { { "product", "~>16" } },
	  .says = "disk product is more than 16 characters: '{product}' of " DISK },
	{ .kinds = ON(disk),
	  .at = "product",
	  .common = true,
	  .when = { { "product", "~-" PRINTABLE } },
	  .says = "disk product is not printable string: '{product}' of " DISK },
	{ .kinds = ON(disk),
	  .at = "serial",
	  .when = { { "serial", "~-" SERIAL_CHARS } },
	  .says = "driver serial '{serial}' of " DISK " contains unsafe characters" },
};

/* 16 hexadecimal digits, with or without 0x. */
static bool is_wwn(struct str wwn)
{
	if (str_starts(wwn, "0x"))
		wwn = (struct str){ wwn.p + 2, wwn.n - 2 };
	for (size_t i = 0; i < wwn.n; i++) {
		if (!strchr("0123456789abcdefABCDEF", wwn.p[i]) || !wwn.p[i])
			return false;
	}
	return wwn.n == 16;
}

static void check_identity(struct scan *s, const struct device *d)
{
	struct fact wwn;

	clash_check(s, d, d->node, identity_clashes,
		    sizeof(identity_clashes) / sizeof(identity_clashes[0]));
	if (d->kind != DEVICE_disk)
		return;
	wwn = ASK(d->node, "wwn");
	if (fact_known(&wwn) && wwn.v.n && !is_wwn(wwn.v))
		report_label(
			s,
			report(s, wwn.at,
			       "malformed wwn '%s' of %s, expected 16 hexadecimal digits",
			       shown(s, wwn.v), device_name(s, d)),
			DOMAIN_REFUSES);
}

/* ---- disk-identity-bus ---- */

static const struct clash identity_bus_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "wwn",
	  .when = { { "wwn", "!" }, { "%bus", "!ide|scsi" } },
	  .says = "only ide and scsi disk support wwn, and " DISK " is on bus '{%bus}'" },
	{ .kinds = ON(disk),
	  .at = "vendor",
	  .when = { { "vendor", "!" }, { "%bus", "!scsi" } },
	  .says = "only scsi disk supports vendor and product, and " DISK
		  " is on bus '{%bus}'" },
	{ .kinds = ON(disk),
	  .at = "product",
	  .when = { { "product", "!" }, { "%bus", "!scsi|ide|sata" } },
	  .says = "only scsi disk supports vendor and product, and " DISK
		  " is on bus '{%bus}'" },
	{ .kinds = ON(disk),
	  .at = "product",
	  .when = { { "product", "!" }, { "%bus", "ide|sata" } },
	  .says = "only scsi disk supports vendor and product, and " DISK
		  " is on bus '{%bus}'",
	  .label = "libvirt 9.0 refuses the domain; newer versions take it",
	  .lower = true,
	  .until = 11 },
	{ .kinds = ON(disk),
	  .at = "serial",
	  .when = { { "serial", "!" }, { "%bus", "sd" } },
	  .says = "serial property not supported for drive bus 'sd', which " DISK
		  " is on" },
};
CLASHES(identity_bus, ON(disk))

/* ---- disk-iothread ---- */

static bool has_iothread(const struct domain *d, uint64_t id)
{
	struct fact count = ASK(d->node, "iothreads");
	const struct node *ids = node_child(d->node, "iothreadids");
	uint64_t n, given;
	size_t listed = 0;

	if (count.state == FACT_UNKNOWN)
		return true;
	for (const struct node *t = ids ? node_child(ids, "iothread") : NULL; t;
	     t = node_again(t)) {
		struct fact thread = ASK(t, "@id");

		if (!fact_number(&thread, &given) || given == id)
			return true;
		listed++;
	}
	/* The ids that are not listed are the lowest ones that are free; with gaps in the
	 * list which ones those are is libvirt's to say. */
	return fact_number(&count, &n) && n > listed && (listed || id <= n);
}

static const struct clash iothread_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "driver@iothread",
	  .when = { { "driver@iothread", "#>0" }, { "%bus", "!virtio|scsi" } },
	  .says = "IOThreads not available for bus {%bus} target {target@dev}" },
	{ .kinds = ON(disk),
	  .at = "driver@iothread",
	  .when = { { "driver@iothread", "#>0" }, { "%bus", "scsi" } },
	  .says = "IOThreads not available for bus scsi target {target@dev}: expected one on "
		  "its controller" },
};

static void check_iothread(struct scan *s, const struct device *d)
{
	struct fact thread, bus;
	struct finding *f;
	uint64_t id;

	clash_check(s, d, d->node, iothread_clashes,
		    sizeof(iothread_clashes) / sizeof(iothread_clashes[0]));
	if (d->kind != DEVICE_disk || !d->domain->qemu)
		return;
	thread = ASK(d->node, "driver@iothread");
	bus = disk_bus(d);
	if (!fact_number(&thread, &id) || id == 0 || !fact_is(&bus, "virtio") ||
	    has_iothread(d->domain, id))
		return;
	f = report(s, thread.at, "disk iothread '%llu' not defined in iothreadid, for %s",
		   (unsigned long long)id, device_name(s, d));
	report_label(s, f, DOMAIN_REFUSES);
}

const struct rule rules_disk_domain_name[] = {
	{ .id = "disk-identity",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a vendor, product, serial or WWN that no disk has",
	  .why = "SCSI has eight bytes for the vendor and sixteen for the product, and a WWN is "
		 "64 bits. libvirt refuses what does not fit, and a serial with characters "
		 "that QEMU's options would take apart.",
	  .steps =
		  "Shorten it. A guest that knows its disk by this name knows it by another "
		  "one afterwards.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate(); src/util/virutil.c, "
				  "virValidateWWN(); " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_identity) },
	{ .id = "disk-identity-bus",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a vendor, product, serial or WWN on a bus without",
	  .why = "Vendor and product are SCSI's, a WWN is SCSI's and IDE's, and an SD card has "
		 "no serial that QEMU sets: libvirt refuses the domain.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskFrontend()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_identity_bus, fix_identity_bus) },
	{ .id = "disk-iothread",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk in an I/O thread that it cannot have",
	  .why = "virtio-blk disks run in I/O threads, others do not; and the thread must be "
		 "one of those that <iothreads> or <iothreadids> defines.",
	  .steps =
		  "Define the thread, <iothreads>1</iothreads>, or remove the attribute. SCSI "
		  "disks get the thread of their virtio-scsi controller.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskIOThreads()",
	  .since = "0.1.0",
	  CHECK(device, check_iothread) },
	{ .id = "disk-target-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk's target that is no name of a disk",
	  .why = "libvirt derives the place on the bus from the target: letters behind fd, hd, "
		 "sd, vd, xvd or ubd. A partition cannot be attached as one, and hard disks and "
		 "floppies have prefixes of their own.",
	  .steps =
		  "Name it by its bus: vda, vdb ... on virtio, sda on scsi, sata and usb, hda "
		  "on ide, fda for a floppy.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate(); src/util/virutil.c, "
				  "virDiskNameParse()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_target_name, fix_target_name) },
	{ .id = "disk-target-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two disks with one target",
	  .why = "The target is the name by which libvirt knows a disk: it refuses a domain "
		 "that has one of them twice.",
	  .source =
		  "libvirt, src/conf/domain_conf.c, virDomainDiskDefCheckDuplicateInfo()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_target_twice, fix_target_twice) },
};
RULES_END(disk_domain_name);
