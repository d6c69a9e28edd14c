/* Where a disk of a libvirt domain comes from: formats, network protocols, what is missing.
 * libvirt, src/conf/domain_conf.c (virDomainStorageSourceParse), src/qemu/qemu_domain.c
 * (qemuDomainValidateStorageSource).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define DISK "disk '{^target@dev}'"

/* ---- disk-format-unsupported ---- */

static const struct clash format_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .when = { { "driver@type", "iso" } },
	  .says = DISK
	  " has format 'iso', which is not directly supported by QEMU; expected "
	  "'raw'",
	  .set = "raw" },
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .no_fix = true,
	  .when = { { "driver@type", "cow" } },
	  .says = DISK " has format 'cow': 'cow' storage format is not supported" },
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .no_fix = true,
	  .when = { { "driver@type", "dir" } },
	  .says = DISK
	  " has format 'dir', which is not directly supported by QEMU; expected "
	  "disk type 'dir' with format 'fat'" },
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .no_fix = true,
	  .when = { { "driver@type", "fat" },
		    { "@type", "!dir|volume" },
		    { "source?", "!" } },
	  .says = DISK
	  " has format 'fat', which is supported only with 'dir' storage type" },
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .when = { { "@type", "dir" },
		    { "driver@type", "!fat" },
		    { "source@dir", "!" } },
	  .says = DISK
	  " is of storage type 'dir' with format '{driver@type:raw}', expected "
	  "'fat'",
	  .set = "fat" },
	{ .kinds = ON(disk),
	  .at = "readonly?",
	  .when = { { "@type", "dir" },
		    { "readonly?", "" },
		    { "source@dir", "!" },
		    { "@device", "!cdrom" } },
	  .says = DISK
	  " is of storage type 'dir' and not <readonly/>: virtual FAT storage "
	  "can't be accessed in read-write mode",
	  .set = "yes" },
	{ .kinds = ON(disk),
	  .at = "driver/metadata_cache?",
	  .when = { { "driver/metadata_cache/max_size", "!" },
		    { "@type", "!volume|vhostuser" },
		    { "driver@type", "!qcow2" } },
	  .says = "metadata cache max size control is supported only with qcow2 images, and " DISK
		  " is '{driver@type:raw}'" },
};
CLASHES(format, ON(disk))

/* ---- disk-network-source ---- */

static const struct clash network_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "source@name",
	  .common = true,
	  .when = { { "@type", "network" },
		    { "source@protocol", "!nbd|" },
		    { "source@name", "" } },
	  .says = "missing name for disk source of " DISK
		  ", which is on '{source@protocol}'" },
	{ .kinds = ON(disk),
	  .at = "source@protocol",
	  .when = { { "@type", "network" }, { "source@protocol", "tftp" } },
	  .says = "'tftp' protocol is not supported with QEMU since 2.8, and " DISK
		  " is on it" },
	{ .kinds = ON(disk),
	  .at = "source@protocol",
	  .when = { { "@type", "network" }, { "source@protocol", "sheepdog" } },
	  .lower = true,
	  .says = "'sheepdog' protocol is not supported with QEMU since 6.1, and " DISK
		  " is on it",
	  .label =
		  "QEMU exits at start, and newer versions of libvirt refuse the domain" },
	{ .kinds = ON(disk),
	  .at = "source@tlsHostname",
	  .when = { { "source@tlsHostname", "!" },
		    { "@type", "network" },
		    { "source@protocol", "!nbd|" } },
	  .says = "'tlsHostname' field is supported only with NBD disks, and " DISK
		  " is on '{source@protocol}'" },
	{ .kinds = ON(disk),
	  .at = "source@tls",
	  .when = { { "source@tls", "yes" },
		    { "@type", "network" },
		    { "source@protocol", "!nbd|vxhs|" } },
	  .says = "TLS transport is not supported for disk protocol '{source@protocol}', "
		  "which " DISK " is on",
	  .label = AT_START },
};

static bool needs_one_host(const struct fact *protocol)
{
	static const char *const protocols[] = { "nfs",  "nbd", "http",  "https", "ftp",
						 "ftps", "ssh", "iscsi", "vxhs" };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (fact_is(protocol, protocols[i]))
			return true;
	}
	return false;
}

static void check_host(struct scan *s, const struct device *d, const struct node *host,
		       const struct fact *protocol)
{
	struct fact transport = ASK(host, "@transport"), socket = ASK(host, "@socket");
	struct fact name = ASK(host, "@name"), port = ASK(host, "@port");
	bool is_unix = fact_is(&transport, "unix");
	const char *what = NULL;

	if (is_unix && fact_absent(&socket))
		what = "missing socket for unix transport";
	else if (fact_is_not(&transport, "unix") && fact_known(&socket))
		what = "a socket, which only transport='unix' has";
	else if (fact_is_not(&transport, "unix") && fact_absent(&name))
		what = "missing name for host";
	else if (d->domain->qemu && fact_is(protocol, "nfs") && fact_known(&port))
		what = "port cannot be specified in 'nfs' protocol host";
	else if (d->domain->qemu && fact_is(protocol, "nfs") && fact_known(&transport) &&
		 !fact_is(&transport, "tcp"))
		what = "'nfs' host must use TCP protocol";
	if (what)
		report_label(s,
			     report(s, host->open_at, "the host of %s: %s",
				    device_name(s, d), what),
			     DOMAIN_REFUSES);
}

static void check_network(struct scan *s, const struct device *d)
{
	const struct node *source = node_child(d->node, "source");
	struct fact type, protocol, name, host;
	size_t hosts = 0;
	struct finding *f;

	clash_check(s, d, d->node, network_clashes,
		    sizeof(network_clashes) / sizeof(network_clashes[0]));
	if (d->kind != DEVICE_disk || !source)
		return;
	type = ASK(d->node, "@type");
	protocol = ASK(source, "@protocol");
	name = ASK(source, "@name");
	if (!fact_is(&type, "network"))
		return;
	for (const struct node *h = node_child(source, "host"); h; h = node_again(h)) {
		check_host(s, d, h, &protocol);
		hosts++;
	}
	if ((fact_is(&protocol, "rbd") || fact_is(&protocol, "gluster")) &&
	    fact_known(&name) && (!str_has(name.v, "/") || str_starts(name.v, "/"))) {
		f = report(s, name.at,
			   "can't split path '%s' of %s into pool name and image name, "
			   "expected POOL/IMAGE",
			   shown(s, name.v), device_name(s, d));
		report_label(s, f, DOMAIN_REFUSES);
	}
	host = ASK(source, "host?");
	if (d->domain->qemu && hosts != 1 && host.state != FACT_UNKNOWN &&
	    needs_one_host(&protocol)) {
		f = report(
			s, source->open_at,
			"'%s' protocol requires the usage of exactly one host, and %s has "
			"%zu",
			shown(s, protocol.v), device_name(s, d), hosts);
		report_label(s, f, "%s",
			     fact_is(&protocol, "nfs") ? DOMAIN_REFUSES : AT_START);
	}
}

/* ---- disk-shareable ---- */

static const struct clash shareable_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "shareable?",
	  .when = { { "shareable?", "!" },
		    { "readonly?", "" },
		    { "@device", "!cdrom" },
		    { "driver@type", "!raw|" } },
	  .says = "shared access for " DISK " requires use of supported storage format: "
		  "expected raw, and it is '{driver@type}'" },
};
CLASHES(shareable, ON(disk))

/* ---- disk-source-missing ---- */

static const struct clash source_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "@type",
	  .common = true,
	  .when = { { "@device", "disk|" },
		    { "@type", "file|" },
		    { "source@file", "" },
		    { "source@dev", "!" } },
	  .says = "missing source information for " DISK
		  ": type='file' has source file=, and "
		  "this is dev='{source@dev}'",
	  .set = "block" },
	{ .kinds = ON(disk),
	  .at = "@type",
	  .common = true,
	  .when = { { "@device", "disk|" },
		    { "@type", "block" },
		    { "source@dev", "" },
		    { "source@file", "!" } },
	  .says = "missing source information for " DISK
		  ": type='block' has source dev=, and "
		  "this is file='{source@file}'",
	  .set = "file" },
	{ .kinds = ON(disk),
	  .at = "source?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@device", "disk|" }, { "source?", "" } },
	  .says = "missing source information for " DISK
		  ": only a CD-ROM or a floppy can be "
		  "empty" },
	{ .kinds = ON(disk),
	  .at = "source?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@device", "disk|" },
		    { "@type", "file|" },
		    { "source@file", "" },
		    { "source@dev", "" } },
	  .says = "missing source information for " DISK ", expected <source file=''/>" },
	{ .kinds = ON(disk),
	  .at = "source?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@device", "disk|" },
		    { "@type", "block" },
		    { "source@file", "" },
		    { "source@dev", "" } },
	  .says = "missing source information for " DISK ", expected <source dev=''/>" },
	{ .kinds = ON(disk),
	  .at = "source?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@device", "disk|" }, { "@type", "dir" }, { "source@dir", "" } },
	  .says = "missing source information for " DISK ", expected <source dir=''/>" },
	{ .kinds = ON(disk),
	  .at = "source@type",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@type", "nvme" }, { "source?", "!" }, { "source@type", "!pci" } },
	  .says = "unsupported source type '{source@type}' of NVMe " DISK
		  ", expected type='pci'" },
	{ .kinds = ON(disk),
	  .at = "source@namespace",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@type", "nvme" }, { "source@namespace", "#=0" } },
	  .says = "NVMe namespace can't be zero, and that of " DISK " is" },
	{ .kinds = ON(disk),
	  .at = "source/address?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@type", "nvme" }, { "source?", "!" }, { "source/address?", "" } },
	  .says = "NVMe disk source is missing address, that of " DISK },
	{ .kinds = ON(disk),
	  .at = "source@type",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@type", "vhostuser" },
		    { "source?", "!" },
		    { "source@type", "!unix" } },
	  .says = "missing or invalid 'type' attribute for vhostuser disk source of " DISK
		  ", expected unix" },
	{ .kinds = ON(disk),
	  .at = "source@path",
	  .no_fix = true,
	  .common = true,
	  .when = { { "@type", "vhostuser" }, { "source?", "!" }, { "source@path", "" } },
	  .says = "missing 'path' attribute for vhostuser disk source of " DISK },
	{ .kinds = ON(disk),
	  .at = "backingStore/format@type",
	  .no_fix = true,
	  .common = true,
	  .when = { { "backingStore@type", "!" }, { "backingStore/format@type", "" } },
	  .says = "missing disk backing store format of " DISK },
	{ .kinds = ON(disk),
	  .at = "backingStore/source?",
	  .no_fix = true,
	  .common = true,
	  .when = { { "backingStore@type", "!" }, { "backingStore/source?", "" } },
	  .says = "missing disk backing store source of " DISK },
};
CLASHES(source, ON(disk))

/* ---- disk-startup-policy ---- */

static const struct clash startup_policy_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "source@startupPolicy",
	  .common = true,
	  .when = { { "source@startupPolicy", "!" },
		    { "@type", "network|nvme|vhostuser" } },
	  .says = "disk startupPolicy '{source@startupPolicy}' is not allowed for disk of "
		  "'{@type}' type, which '{target@dev}' is" },
	{ .kinds = ON(disk),
	  .at = "source@startupPolicy",
	  .common = true,
	  .when = { { "source@startupPolicy", "requisite" },
		    { "@device", "!cdrom|floppy" } },
	  .says = "disk startupPolicy 'requisite' is allowed only for cdrom or floppy, and " DISK
		  " is a {@device:disk}" },
};
CLASHES(startup_policy, ON(disk))

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define PARSE         "libvirt, src/conf/domain_conf.c"
#define DOMAIN_QEMU   "libvirt, src/qemu/qemu_domain.c, qemuDomainValidateStorageSource()"

const struct rule rules_disk_domain_source[] = {
	{ .id = "disk-format-unsupported",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a format of a disk that QEMU does not read so",
	  .why = "libvirt knows more formats than QEMU serves: an ISO is raw, and a folder is "
		 "shown to the guest as a read-only FAT disk or not at all.",
	  .steps = "Convert the image with qemu-img, or say what it is.",
	  .source = DOMAIN_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_format, fix_format) },
	{ .id = "disk-network-source",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title =
		  "a network disk without what its protocol needs, or with what it lacks",
	  .why = "Each protocol has its own way to name an image and its servers; where one is "
		 "missing libvirt refuses the domain, or QEMU does not start.",
	  .steps =
		  "Give <source> its protocol and name, and the <host> elements that the "
		  "protocol takes: most take exactly one.",
	  .source = PARSE ", virDomainDiskSourceNetworkParse(); " DOMAIN_QEMU
			  "; src/qemu/qemu_block.c",
	  .since = "0.1.0",
	  CHECK(device, check_network) },
	{ .id = "disk-shareable",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a shareable disk in a format that two writers destroy",
	  .why = "Two VMs that write one qcow2 image each keep its tables in memory: the image "
		 "is lost. libvirt lets raw images be shared, and no others.",
	  .steps =
		  "Remove <shareable/>, or convert the image to raw and use a cluster file "
		  "system in the guests.",
	  .source =
		  "libvirt, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefDisk()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_shareable, fix_shareable) },
	{ .id = "disk-source-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk without its source, or without a part of it",
	  .why = "A hard disk has to be somewhere. Each type has its own attributes: file=, "
		 "dev=, dir=, pool= with volume=; libvirt does not look at those of another.",
	  .steps = "Make type and <source> agree. An empty CD-ROM has no <source>.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate(); " PARSE,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_source, fix_source) },
	{ .id = "disk-startup-policy",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a startupPolicy that this disk cannot have",
	  .why = "The policy says what happens when a local file is missing. A network source "
		 "has no such file, and only removable media can be there at the start and "
		 "gone later.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidateStartupPolicy()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_startup_policy, fix_startup_policy) },
};
RULES_END(disk_domain_source);
