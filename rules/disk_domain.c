/* Disks of a libvirt domain: which settings go with which device, bus and kind of source.
 * libvirt, src/conf/domain_validate.c (virDomainDiskDefValidate) and
 * src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefDisk).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/clash.h"
#include "base/banned.h"

#define DISK "disk '{target@dev}'"

/* ---- disk-copy-on-read ---- */

static const struct clash copy_on_read_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "driver@copy_on_read",
	  .when = { { "driver@copy_on_read", "on" }, { "@device", "cdrom|floppy" } },
	  .says = DISK
	  " is a {@device} with copy_on_read='on', which is not supported with "
	  "a removable disk" },
	{ .kinds = ON(disk),
	  .at = "driver@copy_on_read",
	  .when = { { "driver@copy_on_read", "on" }, { "@device", "lun" } },
	  .says = DISK
	  " is a lun with copy_on_read='on', which is not compatible with that" },
	{ .kinds = ON(disk),
	  .at = "driver@copy_on_read",
	  .when = { { "driver@copy_on_read", "on" }, { "readonly?", "!" } },
	  .says = DISK
	  " is <readonly/> with copy_on_read='on', which is not compatible with "
	  "a read-only disk" },
};
CLASHES(copy_on_read, ON(disk))

/* ---- disk-device-bus ---- */

static const struct clash device_bus_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .when = { { "@device", "cdrom" }, { "%bus", "virtio|sd" } },
	  .says = DISK
	  " is a CD-ROM on bus '{%bus}', which does not support ejectable media; "
	  "expected sata, scsi, ide or usb" },
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .common = true,
	  .when = { { "@device", "floppy" }, { "%bus", "!fdc" } },
	  .says = DISK " is a floppy on bus '{%bus}', expected fdc" },
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .common = true,
	  .when = { { "@device", "!floppy" }, { "%bus", "fdc" } },
	  .says = DISK " is a {@device:disk} on bus 'fdc', which has floppies only" },
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .when = { { "@device", "lun" }, { "%bus", "!virtio|scsi|" } },
	  .says = DISK " is device='lun' on bus '{%bus}', expected virtio or scsi" },
	{ .kinds = ON(disk),
	  .at = "readonly?",
	  .when = { { "@device", "disk|" },
		    { "readonly?", "!" },
		    { "%bus", "ide|sata" } },
	  .says = "readonly {%bus} disks are not supported, and " DISK
		  " is one; expected bus virtio, scsi or usb, or a CD-ROM" },
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .when = { { "@device", "cdrom" }, { "%bus", "usb" }, { "source?", "" } },
	  .says = "CD-ROM '{target@dev}' on bus 'usb' is empty, expected a medium",
	  .label = "QEMU exits at start: its usb-storage needs one",
	  .lower = true },
};
CLASHES_ONLY(device_bus, ON(disk))

/* ---- disk-bus-machine ---- */

/* qemuDomainHasBuiltinIDE(): i440fx and three boards that are MACHINE_OTHER. */
static bool lacks_ide(const struct device *d)
{
	switch (d->domain->machine) {
	case MACHINE_Q35:
	case MACHINE_ISAPC:
	case MACHINE_MICROVM:
	case MACHINE_VIRT:
	case MACHINE_PSERIES:
	case MACHINE_S390_CCW:
		return true;
	case MACHINE_UNKNOWN:
	case MACHINE_I440FX:
	case MACHINE_XEN:
	case MACHINE_OTHER:
		return false;
	}
	return false;
}

static bool lacks_fdc(const struct device *d)
{
	return d->domain->machine == MACHINE_PSERIES;
}

static const struct clash bus_machine_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .when = { { "%bus", "ide" } },
	  .also = lacks_ide,
	  .says = DISK
	  " is on bus 'ide', and IDE controllers are unsupported for machine "
	  "type '{/os/type@machine}'" },
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .when = { { "%bus", "fdc" } },
	  .also = lacks_fdc,
	  .says = DISK " is a floppy, and PowerPC pseries machines do not support floppy "
		       "device",
	  .label = AT_START },
};
CLASHES_ONLY(bus_machine, ON(disk))

/* ---- disk-driver-name ---- */

static const struct clash driver_name_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "driver@name",
	  .when = { { "driver@name", "!qemu|" } },
	  .says = "unsupported driver name '{driver@name}' for " DISK ", expected qemu",
	  .set = "qemu" },
};
CLASHES(driver_name, ON(disk))

/* ---- disk-geometry ---- */

static const struct clash geometry_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "geometry?",
	  .when = { { "geometry@cyls", "#>0" },
		    { "geometry@heads", "#>0" },
		    { "geometry@secs", "#>0" },
		    { "%bus", "usb|sd" } },
	  .says = DISK
	  " has a <geometry>, and CHS geometry can not be set for '{%bus}' bus" },
	{ .kinds = ON(disk),
	  .at = "geometry@trans",
	  .when = { { "geometry@cyls", "#>0" },
		    { "geometry@heads", "#>0" },
		    { "geometry@trans", "!" },
		    { "%bus", "!ide" } },
	  .says = DISK
	  " has trans='{geometry@trans}' on bus '{%bus}': CHS translation mode "
	  "can only be set for 'ide' bus" },
};
CLASHES(geometry, ON(disk))

/* ---- disk-lun ---- */

static const struct clash lun_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "@device",
	  .common = true,
	  .no_fix = true,
	  .when = { { "@device", "lun" }, { "@type", "file|dir|nvme|vhostuser|" } },
	  .says = DISK
	  " is device='lun' with type='{@type:file}': lun is only valid for block "
	  "type disk source" },
	{ .kinds = ON(disk),
	  .at = "@device",
	  .common = true,
	  .no_fix = true,
	  .when = { { "@device", "lun" },
		    { "@type", "network" },
		    { "source@protocol", "!iscsi|" } },
	  .says = DISK " is device='lun', which is not supported for protocol="
		       "'{source@protocol}'" },
	{ .kinds = ON(disk),
	  .at = "driver@type",
	  .common = true,
	  .when = { { "@device", "lun" }, { "driver@type", "!raw|" } },
	  .says = DISK
	  " is a lun with type='{driver@type}': disk device 'lun' must use 'raw' "
	  "format",
	  .no_fix = true },
	{ .kinds = ON(disk),
	  .at = "source/slices?",
	  .common = true,
	  .no_fix = true,
	  .when = { { "@device", "lun" }, { "source/slices/slice@type", "storage" } },
	  .says = DISK
	  " is a lun with <slices>: disk device 'lun' doesn't support storage "
	  "slice" },
	{ .kinds = ON(disk),
	  .at = "source/encryption?",
	  .common = true,
	  .no_fix = true,
	  .when = { { "@device", "lun" }, { "source/encryption@format", "!default|" } },
	  .says = DISK " is a lun with <encryption>: disk device 'lun' doesn't support "
		       "encryption" },
	{ .kinds = ON(disk),
	  .at = "encryption?",
	  .common = true,
	  .no_fix = true,
	  .when = { { "@device", "lun" }, { "encryption@format", "!default|" } },
	  .says = DISK " is a lun with <encryption>: disk device 'lun' doesn't support "
		       "encryption" },
	{ .kinds = ON(disk),
	  .at = "wwn",
	  .when = { { "@device", "lun" }, { "wwn", "!" }, { "%bus", "virtio|scsi" } },
	  .says = DISK
	  " is a lun with <wwn>: setting wwn is not supported for lun device" },
	{ .kinds = ON(disk),
	  .at = "vendor",
	  .when = { { "@device", "lun" }, { "vendor", "!" }, { "%bus", "scsi" } },
	  .says = DISK
	  " is a lun with <vendor>: setting vendor or product is not supported "
	  "for lun device" },
	{ .kinds = ON(disk),
	  .at = "product",
	  .when = { { "@device", "lun" }, { "product", "!" }, { "%bus", "scsi" } },
	  .says = DISK
	  " is a lun with <product>: setting vendor or product is not supported "
	  "for lun device" },
	{ .kinds = ON(disk),
	  .at = "serial",
	  .when = { { "@device", "lun" }, { "serial", "!" }, { "%bus", "scsi" } },
	  .says = DISK
	  " is a lun on bus 'scsi' with <serial>: scsi-block 'lun' devices do not "
	  "support the serial property" },
	/* libvirt 9.0 defines it; QEMU's scsi-block has no such property, later libvirts say
	 * that blockio is not for lun. */
	{ .kinds = ON(disk),
	  .at = "blockio?",
	  .when = { { "@device", "lun" }, { "blockio?", "!" }, { "%bus", "scsi" } },
	  .says = DISK
	  " is a lun on bus 'scsi' with <blockio>: scsi-block 'lun' devices have "
	  "the block sizes of the device",
	  .label = "libvirt refuses the domain, or QEMU exits at start" },
};
CLASHES(lun, ON(disk))

/* ---- disk-lun-only ---- */

static const struct clash lun_only_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "@rawio",
	  .common = true,
	  .when = { { "@rawio", "!" }, { "@device", "!lun" } },
	  .says = DISK " is a {@device:disk} with rawio: rawio can be used only with "
		       "device='lun'" },
	{ .kinds = ON(disk),
	  .at = "@sgio",
	  .common = true,
	  .when = { { "@sgio", "!unfiltered|" }, { "@device", "!lun" } },
	  .says = DISK " is a {@device:disk} with sgio: sgio can be used only with "
		       "device='lun'" },
	{ .kinds = ON(disk),
	  .at = "source/reservations?",
	  .common = true,
	  .when = { { "source/reservations?", "!" }, { "@device", "!lun" } },
	  .says = DISK
	  " is a {@device:disk} with <reservations/>, which is allowed only for "
	  "lun devices" },
};
CLASHES(lun_only, ON(disk))

/* ---- disk-target-option ---- */

static const struct clash target_option_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "target@tray",
	  .common = true,
	  .when = { { "target@tray", "open" }, { "@device", "!cdrom|floppy" } },
	  .says = DISK
	  " is a {@device:disk} with tray='open': tray is only valid for cdrom "
	  "and floppy" },
	{ .kinds = ON(disk),
	  .at = "target@removable",
	  .common = true,
	  .when = { { "target@removable", "!" }, { "%bus", "!usb|scsi" } },
	  .says = DISK
	  " is on bus '{%bus}' with removable: removable is only valid for usb "
	  "and scsi disks" },
	{ .kinds = ON(disk),
	  .at = "target@removable",
	  .common = true,
	  .when = { { "target@removable", "!" }, { "%bus", "scsi" } },
	  .says = DISK
	  " is on bus 'scsi' with removable: removable is only valid for usb disks",
	  .label = "libvirt before 9.6 refuses the domain",
	  .lower = true,
	  .until = 10 },
	{ .kinds = ON(disk),
	  .at = "target@rotation_rate",
	  .when = { { "target@rotation_rate", "#>0" }, { "%bus", "!scsi|ide|sata" } },
	  .says = DISK
	  " is on bus '{%bus}' with rotation_rate: rotation rate is only valid "
	  "for SCSI/IDE/SATA bus" },
	{ .kinds = ON(disk),
	  .at = "target@rotation_rate",
	  .when = { { "target@rotation_rate", "#>0" }, { "@device", "!disk|" } },
	  .says = DISK
	  " is a {@device} with rotation_rate: rotation rate is only valid for "
	  "disk device" },
};
CLASHES(target_option, ON(disk))

/* ---- disk-transient ---- */

static const struct clash transient_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "transient?",
	  .when = { { "transient?", "!" }, { "@device", "!disk|" } },
	  .says = "transient disk supported only with 'disk' device, and '{target@dev}' is a "
		  "{@device}" },
	{ .kinds = ON(disk),
	  .at = "transient?",
	  .when = { { "transient?", "!" }, { "readonly?", "!" } },
	  .says = "transient disk '{target@dev}' must not be read-only" },
	{ .kinds = ON(disk),
	  .at = "transient?",
	  .when = { { "transient?", "!" },
		    { "source?", "!" },
		    { "@type", "!file|volume|" } },
	  .says = "transient disk supported only with 'file' type, and '{target@dev}' is of "
		  "type '{@type}'" },
	{ .kinds = ON(disk),
	  .at = "transient@shareBacking",
	  .when = { { "transient@shareBacking", "yes" }, { "%bus", "!usb|virtio|scsi" } },
	  .says = "disk bus '{%bus}' doesn't support transient disk backing image sharing, "
		  "which '{target@dev}' has" },
};
CLASHES_ONLY(transient, ON(disk))

/* ---- disk-vhostuser ---- */

#define VHOSTUSER(path, holds, word)                                                     \
	{                                                                                \
		.kinds = ON(disk), .at = path, .common = true,                           \
		.when = { { "@type", "vhostuser" }, { path, holds } },                   \
		.says = word " is not supported with vhostuser disk '{target@dev}'"      \
	}

static const struct clash vhostuser_clashes[] = {
	{ .kinds = ON(disk),
	  .at = "%bus",
	  .common = true,
	  .when = { { "@type", "vhostuser" }, { "%bus", "!virtio" } },
	  .says = "vhostuser disk '{target@dev}' is on bus '{%bus}', expected virtio, the "
		  "only one" },
	{ .kinds = ON(disk),
	  .at = "@snapshot",
	  .common = true,
	  .when = { { "@type", "vhostuser" }, { "@snapshot", "!no|" } },
	  .says = "only snapshot=no is supported with vhostuser disk '{target@dev}'",
	  .set = "no" },
	VHOSTUSER("driver@cache", "!default|", "cache"),
	VHOSTUSER("driver@error_policy", "!", "error_policy"),
	VHOSTUSER("driver@rerror_policy", "!", "rerror_policy"),
	VHOSTUSER("driver@io", "!", "io"),
	VHOSTUSER("driver@ioeventfd", "!", "ioeventfd"),
	VHOSTUSER("driver@copy_on_read", "!", "copy_on_read"),
	VHOSTUSER("driver@discard", "!", "discard"),
	VHOSTUSER("driver@iothread", "!", "iothread"),
	VHOSTUSER("driver@detect_zeroes", "!", "detect_zeroes"),
	VHOSTUSER("driver/metadata_cache?", "!", "metadata_cache"),
	VHOSTUSER("iotune?", "!", "iotune"),
	VHOSTUSER("backingStore?", "!", "backingStore"),
	VHOSTUSER("encryption?", "!", "encryption"),
	VHOSTUSER("source/encryption?", "!", "encryption"),
	VHOSTUSER("readonly?", "!", "readonly"),
	VHOSTUSER("shareable?", "!", "shareable"),
	VHOSTUSER("transient?", "!", "transient"),
	VHOSTUSER("serial", "!", "serial"),
	VHOSTUSER("wwn", "!", "wwn"),
	VHOSTUSER("vendor", "!", "vendor"),
	VHOSTUSER("product", "!", "product"),
	VHOSTUSER("auth?", "!", "auth"),
	VHOSTUSER("source/auth?", "!", "auth"),
	VHOSTUSER("geometry?", "!", "geometry"),
	VHOSTUSER("blockio?", "!", "blockio"),
};
CLASHES(vhostuser, ON(disk))

#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

const struct rule rules_disk_domain[] = {
	{ .id = "disk-bus-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk on a bus that the machine type does not have",
	  .why = "libvirt adds the controller that the disk needs, and then finds that the "
		 "machine has none of the kind: the domain is not defined.",
	  .steps =
		  "On q35 take bus='sata', on virt and pseries virtio or scsi, and a target "
		  "and an <address> to match; or let libvirt choose the address.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefControllerIDE()",
	  .since = "0.1.0",
	  CHECK(device, check_bus_machine) },
	{ .id = "disk-copy-on-read",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "copy_on_read on a disk that is not written",
	  .why = "copy_on_read writes what the guest reads into the image. On removable and "
		 "read-only disks and on LUNs that cannot be, and libvirt refuses it.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskFrontend()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_copy_on_read, fix_copy_on_read) },
	{ .id = "disk-device-bus",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a kind of disk on a bus that does not have it",
	  .why = "virtio-blk ejects nothing, IDE and SATA disks are always writable, and the "
		 "floppy controller has floppies only: libvirt refuses what says otherwise.",
	  .steps =
		  "Change bus and target together, and remove the old <address>: a CD-ROM "
		  "to bus='sata' dev='sda', a read-only disk to virtio or scsi.",
	  .source = VALIDATE_QEMU
	  ", qemuValidateDomainDeviceDefDiskFrontend(); " VALIDATE_CONF,
	  .since = "0.1.0",
	  CHECK(device, check_device_bus) },
	{ .id = "disk-driver-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk driver of another hypervisor",
	  .why = "The name is that of the program that serves the disk. Under QEMU it is "
		 "qemu; file, phy and tap2 are Xen's.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDisk()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_driver_name, fix_driver_name) },
	{ .id = "disk-geometry",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a CHS geometry on a bus that has none",
	  .why = "USB and SD disks have no geometry, and only IDE translates one: libvirt "
		 "refuses the domain.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskFrontend()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_geometry, fix_geometry) },
	{ .id = "disk-lun",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a LUN with something that only a disk of QEMU's own has",
	  .why = "device='lun' hands SCSI commands through to a device of the host: there is "
		 "no image format, and its names and sizes are the device's.",
	  .steps =
		  "Use device='disk' where the guest does not send SCSI commands itself.",
	  .source = VALIDATE_CONF ", virDomainDiskDefSourceLUNValidate(); " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_lun, fix_lun) },
	{ .id = "disk-lun-only",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a setting of LUNs on another disk",
	  .why = "rawio, sgio and persistent reservations are about SCSI commands that go to "
		 "a device of the host, which only device='lun' does.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_lun_only, fix_lun_only) },
	{ .id = "disk-target-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an option of a disk's target that its bus or device does not have",
	  .why = "A tray, a rotation rate and a removable flag are reported by some kinds of "
		 "disks only; elsewhere libvirt refuses the word.",
	  .source = VALIDATE_CONF ", virDomainDiskDefValidate(); " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_target_option, fix_target_option) },
	{ .id = "disk-transient",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a transient disk that cannot be one",
	  .why = "libvirt puts an overlay over a transient disk's file and throws it away: it "
		 "takes a writable disk in a file.",
	  .steps = "Remove <transient/>, if the disk may keep what the guest writes.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefDiskTransient()",
	  .since = "0.1.0",
	  CHECK(device, check_transient) },
	{ .id = "disk-vhostuser",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a vhost-user disk with a setting that its backend decides",
	  .why = "QEMU never sees the blocks of a vhost-user disk: cache, format, limits and "
		 "names are the backend's, and libvirt refuses them here.",
	  .source = VALIDATE_CONF ", virDomainDiskVhostUserValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_vhostuser, fix_vhostuser) },
};
RULES_END(disk_domain);
