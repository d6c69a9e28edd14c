/* Who may read a disk of a libvirt domain: logins of network disks, and keys.
 * libvirt, src/conf/storage_source_conf.c (virStorageAuthDefParse), storage_encryption_conf.c,
 * domain_validate.c (virDomainDiskDefValidateSourceChainOne), src/qemu/qemu_domain.c
 * (qemuDomainValidateStorageSource).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define DISK "disk '{^target@dev}'"

/* ---- disk-auth ---- */

static const struct clash auth_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "@username",
	  .common = true,
	  .when = { { "@username", "" } },
	  .says = "missing username for auth of " DISK },
	{ .kinds = ON(disk),
	  .at = "secret@type",
	  .common = true,
	  .when = { { "secret?", "" } },
	  .says = "missing <secret> element in auth of " DISK },
	{ .kinds = ON(disk),
	  .at = "secret@uuid",
	  .common = true,
	  .when = { { "secret?", "!" }, { "secret@uuid", "" }, { "secret@usage", "" } },
	  .says = "missing secret uuid or usage attribute in auth of " DISK },
	{ .kinds = ON(disk),
	  .at = "secret@usage",
	  .common = true,
	  .when = { { "secret@uuid", "!" }, { "secret@usage", "!" } },
	  .says = "secret of " DISK
		  " has a uuid and a usage: either secret uuid or usage "
		  "expected" },
	{ .kinds = ON(disk),
	  .at = "@username",
	  .common = true,
	  .when = { { "^@type", "network" },
		    { "^source@protocol", "nbd|sheepdog|gluster|tftp|vxhs|nfs" } },
	  .says = DISK " has <auth>: authentication is not supported for protocol "
		       "'{^source@protocol}'" },
	{ .kinds = ON(disk),
	  .at = "secret@type",
	  .common = true,
	  .when = { { "^@type", "network" }, { "secret?", "!" }, { "secret@type", "" } },
	  .says = "unknown secret type in auth of " DISK
		  ", expected type='iscsi' or 'ceph'" },
	{ .kinds = ON(disk),
	  .at = "secret@type",
	  .common = true,
	  .when = { { "^@type", "network" },
		    { "^source@protocol", "iscsi" },
		    { "secret@type", "!iscsi|" } },
	  .says = "invalid secret type '{secret@type}' in auth of " DISK ", which is on "
		  "iscsi; expected iscsi" },
	{ .kinds = ON(disk),
	  .at = "secret@type",
	  .common = true,
	  .when = { { "^@type", "network" },
		    { "^source@protocol", "rbd" },
		    { "secret@type", "!ceph|" } },
	  .says = "invalid secret type '{secret@type}' in auth of " DISK
		  ", which is on rbd; "
		  "expected ceph" },
};

/* Of the children of a disk and of its source that have this name; the second one is too
 * many. */
static void check_each(struct scan *s, const struct device *d, const char *name,
		       const struct clash *rows, size_t n)
{
	const struct node *source = node_child(d->node, "source");
	const struct node *in = source ? node_child(source, name) : NULL;
	const struct node *beside = node_child(d->node, name);
	struct finding *f;

	if (in)
		clash_check(s, d, in, rows, n);
	if (!beside)
		return;
	clash_check(s, d, beside, rows, n);
	if (!in)
		return;
	f = report(s, beside->open_at,
		   "an <%s> definition already found for disk source of %s", name,
		   device_name(s, d));
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, in->open_at, "the other one");
}

static void check_auth(struct scan *s, const struct device *d)
{
	if (d->kind == DEVICE_disk)
		check_each(s, d, "auth", auth_clashes,
			   sizeof(auth_clashes) / sizeof(auth_clashes[0]));
}

/* ---- disk-encryption ---- */

static const struct clash encryption_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "cipher?",
	  .common = true,
	  .when = { { "@format", "luks" }, { "cipher?", "!" } },
	  .says = "supplying <cipher> for domain disk definition is unnecessary, and " DISK
		  " has one" },
	{ .kinds = ON(disk),
	  .at = "ivgen?",
	  .common = true,
	  .when = { { "@format", "luks" }, { "ivgen?", "!" }, { "cipher?", "" } },
	  .says = "ivgen element found in the encryption of " DISK
		  ", but cipher is missing" },
	{ .kinds = ON(disk),
	  .at = "@format",
	  .when = { { "@format", "default|qcow" } },
	  .says = DISK
	  " has encryption format='{@format}': old qcow/qcow2 encryption is not "
	  "supported" },
	{ .kinds = ON(disk),
	  .at = "@format",
	  .when = { { "@format", "luks" },
		    { "@engine", "qemu|" },
		    { "^@type", "!volume" },
		    { "^driver@type", "!raw|qcow2|" } },
	  .says = DISK
	  " of type '{^driver@type}' is encrypted: encryption is supported only "
	  "with 'raw' and 'qcow2' image format" },
	{ .kinds = ON(disk),
	  .at = "@format",
	  .when = { { "@format", "luks2|luks-any" }, { "@engine", "qemu|" } },
	  .says = DISK " has encryption format='{@format}': {@format} is currently not "
		       "supported by the qemu encryption engine" },
	{ .kinds = ON(disk),
	  .at = "@engine",
	  .when = { { "@engine", "librbd" }, { "^@type", "!network|volume" } },
	  .says = "librbd encryption is supported only with RBD backed disks, and " DISK
		  " is of type '{^@type:file}'" },
	{ .kinds = ON(disk),
	  .at = "secret@uuid",
	  .common = true,
	  .when = { { "secret?", "!" }, { "secret@uuid", "" }, { "secret@usage", "" } },
	  .says = "missing secret uuid or usage attribute in the encryption of " DISK },
	{ .kinds = ON(disk),
	  .at = "secret@usage",
	  .common = true,
	  .when = { { "secret@uuid", "!" }, { "secret@usage", "!" } },
	  .says = "encryption secret of " DISK
		  " has a uuid and a usage: either secret uuid "
		  "or usage expected" },
	{ .kinds = ON(disk),
	  .at = "@format",
	  .when = { { "@format", "luks" }, { "@engine", "qemu|" }, { "secret?", "" } },
	  .says = "missing secret info for 'luks' driver of " DISK,
	  .label = AT_START },
};

static void check_encryption(struct scan *s, const struct device *d)
{
	if (d->kind == DEVICE_disk)
		check_each(s, d, "encryption", encryption_clashes,
			   sizeof(encryption_clashes) / sizeof(encryption_clashes[0]));
}

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define DOMAIN_QEMU   "libvirt, src/qemu/qemu_domain.c, qemuDomainValidateStorageSource()"

const struct rule rules_disk_domain_secret[] = {
	{ .id = "disk-auth",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title =
		  "who logs in to a network disk is not said, or in a way it does not have",
	  .why = "libvirt reads the secret that <auth> names and hands it to the protocol: it "
		 "refuses what is incomplete, twice there, or of a kind that the protocol does "
		 "not know.",
	  .steps =
		  "One <auth username=''> with one <secret type='iscsi' or 'ceph'> that has "
		  "either uuid or usage.",
	  .source = VALIDATE_CONF
	  ", virDomainDiskDefValidateSourceChainOne(); "
	  "src/conf/storage_source_conf.c, virStorageAuthDefParse()",
	  .since = "0.1.0",
	  CHECK(device, check_auth) },
	{ .id = "disk-encryption",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an encryption of a disk that QEMU does not have",
	  .why = "QEMU opens LUKS in raw and qcow2 images, with the secret that <encryption> "
		 "names. The cipher stands in the image's own header.",
	  .steps =
		  "<encryption format='luks'><secret type='passphrase' uuid=''/></encryption> "
		  "once, within <source>, and no <cipher>.",
	  .source = VALIDATE_CONF "; " DOMAIN_QEMU "; src/conf/storage_encryption_conf.c",
	  .since = "0.1.0",
	  CHECK(device, check_encryption) },
};
RULES_END(disk_domain_secret);
