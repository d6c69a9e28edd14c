/* The smaller devices of a libvirt domain: watchdog, panic, vsock, shmem, input, audio, smartcard
 * and others.
 * libvirt, src/conf/domain_conf.c, domain_validate.c, src/qemu/qemu_validate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define PARSE         "libvirt, src/conf/domain_conf.c"
#define VALIDATE_CONF "libvirt, src/conf/domain_validate.c"
#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

static bool not_pseries(const struct device *d)
{
	return d->domain->machine != MACHINE_PSERIES &&
	       d->domain->machine != MACHINE_UNKNOWN;
}

static bool not_q35(const struct device *d)
{
	return d->domain->machine != MACHINE_Q35 && d->domain->machine != MACHINE_UNKNOWN;
}

/* ---- device-twice ---- */

static const struct {
	enum device_kind kind;
	const char *what;
} singles[] = {
	{ DEVICE_watchdog, "watchdog device" },
	{ DEVICE_memballoon, "memory balloon device" },
	{ DEVICE_nvram, "nvram device" },
	{ DEVICE_vsock, "vsock device" },
	{ DEVICE_redirfilter, "set of redirection filter rules" },
};

static const char *single(enum device_kind kind)
{
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		if (singles[i].kind == kind)
			return singles[i].what;
	}
	return NULL;
}

static void check_twice(struct scan *s, const struct device *d)
{
	const char *what = single(d->kind);
	const struct device *first = &d->domain->devices[d->domain->first[d->kind]];
	struct version v = target_version(s, "libvirt");
	struct finding *f;

	if (!what || first == d)
		return;
	/* Since 9.1 there may be more. */
	if (d->kind == DEVICE_watchdog && v.known && version_cmp(&v, 9, 1, 0) >= 0)
		return;
	f = report(s, d->node->open_at,
		   "only a single %s is supported, and this is another", what);
	report_label(s, f, "%s",
		     d->kind == DEVICE_watchdog ? "libvirt before 9.1 refuses the domain"
						: DOMAIN_REFUSES);
	if (d->kind == DEVICE_watchdog && !v.known)
		report_lower(f);
	report_related(s, f, first->node->open_at, "the first one");
}

/* ---- device-virtio-option ---- */

#define UNUSED(of, path, holds, word, ...)                                               \
	{                                                                                \
		CLASH(of, path,                                                          \
		      word " driver option is only supported for virtio devices",        \
		      { path, holds }, __VA_ARGS__),                                     \
			.common = true                                                   \
	}
#define VIRTIO "virtio|virtio-transitional|virtio-non-transitional"
#define NOT_DISK                                                                         \
	{                                                                                \
		"%bus", "!virtio"                                                        \
	}
#define NOT_NIC                                                                          \
	{                                                                                \
		"model@type", "!" VIRTIO "|"                                             \
	}
#define NOT_VIDEO                                                                        \
	{                                                                                \
		"model@type", "!virtio|"                                                 \
	}
#define ALL(of, is_not)                                                                  \
	UNUSED(of, "driver@iommu", "!", "iommu", is_not),                                \
		UNUSED(of, "driver@ats", "!", "ats", is_not),                            \
		UNUSED(of, "driver@packed", "!", "packed", is_not),                      \
		UNUSED(of, "driver@page_per_vq", "!", "page_per_vq", is_not)

static const struct clash virtio_clashes[] = {
	ALL(ON(disk), NOT_DISK),
	ALL(ON(interface), NOT_NIC),
	ALL(ON(video), NOT_VIDEO),
	{ CLASH(ON(disk), "driver@queues",
		"queues attribute in disk driver element is only supported by virtio-blk, "
		"and disk '{target@dev}' is on '{%bus}'",
		{ "driver@queues", "#>0" }, { "%bus", "!virtio|nvme" }),
	  .common = true },
	{ CLASH(ON(disk), "driver@event_idx",
		"disk event_idx mode supported only for virtio bus, and disk "
		"'{target@dev}' is on '{%bus}'",
		{ "driver@event_idx", "!" }, NOT_DISK),
	  .common = true },
	{ CLASH(ON(disk), "driver@ioeventfd",
		"disk ioeventfd mode supported only for virtio bus, and disk "
		"'{target@dev}' is on '{%bus}'",
		{ "driver@ioeventfd", "!" }, NOT_DISK),
	  .common = true },
	{ CLASH(ON(disk), "@model",
		"disk model '{@model}' not supported for bus '{%bus}' of disk "
		"'{target@dev}'",
		{ "@model", VIRTIO }, NOT_DISK),
	  .common = true },
};
CLASHES(virtio, ON(disk) | ON(interface) | ON(video))

/* ---- audio-id ---- */

static const struct device *audio_of(const struct domain *d, uint64_t id,
				     const struct device *before)
{
	for_each_device(a, d, audio)
	{
		struct fact f = ASK(a->node, "@id");
		uint64_t v;

		if (a == before)
			return NULL;
		if (f.state == FACT_UNKNOWN || (fact_number(&f, &v) && v == id))
			return a;
	}
	return NULL;
}

static void check_audio(struct scan *s, const struct device *d)
{
	struct fact f =
		d->kind == DEVICE_audio ? ASK(d->node, "@id") : ASK(d->node, "audio@id");
	const struct device *before;
	struct finding *said;
	uint64_t id;

	if (d->kind != DEVICE_audio && d->kind != DEVICE_sound &&
	    d->kind != DEVICE_graphics)
		return;
	if (!fact_number(&f, &id) || id == 0)
		return;
	before = audio_of(d->domain, id, d->kind == DEVICE_audio ? d : NULL);
	if (d->kind == DEVICE_audio && before) {
		said = report(s, f.at, "audio ID %llu is used multiple times",
			      (unsigned long long)id);
		report_label(s, said, DOMAIN_REFUSES);
		report_related(s, said, before->node->open_at, "the other one");
	} else if (d->kind != DEVICE_audio && !before &&
		   (id > 1 || domain_count(d->domain, DEVICE_audio) > 0)) {
		/* Where there is none libvirt adds one, of id 1. */
		said = report(s, f.at, "no audio device with ID %llu",
			      (unsigned long long)id);
		report_label(s, said, DOMAIN_REFUSES);
	}
}

/* ---- audio-settings ---- */

static void check_settings(struct scan *s, const struct device *d)
{
	static const char *const ends[] = { "input", "output" };

	if (d->kind != DEVICE_audio)
		return;
	for (size_t i = 0; i < 2; i++) {
		const struct node *end = node_child(d->node, ends[i]), *n;
		struct fact fixed, mixing;
		struct finding *f = NULL;

		if (!end)
			continue;
		n = node_child(end, "settings");
		fixed = ASK(end, "@fixedSettings");
		mixing = ASK(end, "@mixingEngine");
		if (fact_is(&fixed, "yes") && mixing.state != FACT_UNKNOWN &&
		    !fact_is(&mixing, "yes"))
			f = report(
				s, fixed.at,
				"fixed audio settings requires mixing engine, expected "
				"mixingEngine='yes'");
		else if (n && fixed.state != FACT_UNKNOWN && !fact_is(&fixed, "yes"))
			f = report(
				s, n->open_at,
				"audio settings specified without fixed settings flag, "
				"expected fixedSettings='yes'");
		if (f)
			report_label(s, f, DOMAIN_REFUSES);
	}
}

/* ---- input-option ---- */

static const struct clash input_clashes[] = {
	{ CLASH(ON(input), "@bus", "ps2 bus does not support {@type} input device",
		{ "@bus", "ps2" }, { "@type", "!mouse|keyboard|" },
		{ "/os/type", "hvm" }),
	  .common = true },
	{ CLASH(ON(input), "@bus", "unsupported input bus xen", { "@bus", "xen" },
		{ "/os/type", "hvm" }),
	  .common = true },
	{ CLASH(ON(input), "@bus",
		"only bus 'virtio' is supported for 'passthrough' input devices",
		{ "@type", "passthrough" }, { "@bus", "!virtio|" }),
	  .common = true, .set = "virtio" },
	{ CLASH(ON(input), "@bus", "input evdev doesn't support bus element",
		{ "@type", "evdev" }, { "@bus", "!none|" }),
	  .common = true },
	{ CLASH(ON(input), "source@evdev", "missing evdev path for input device",
		{ "@type", "passthrough" }, { "source?", "!" }, { "source@evdev", "" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(input), "source@dev", "missing evdev path for input device",
		{ "@type", "evdev" }, { "source?", "!" }, { "source@dev", "" }),
	  .common = true, .no_fix = true },
	{ CLASH(ON(input), "@model",
		"only bus 'virtio' is supported for input model '{@model}'",
		{ "@model", VIRTIO }, { "@bus", "!virtio|" }),
	  .common = true },
	{ CLASH(ON(input), "@model",
		"virtio (non-)transitional models are not supported for input type={@type}",
		{ "@bus", "virtio" },
		{ "@model", "virtio-transitional|virtio-non-transitional" }),
	  .set = "virtio" },
	{ CLASH(ON(input), "@bus",
		"ps2 is not supported by this QEMU binary: its architecture is {%arch}",
		{ "@bus", "ps2" },
		{ "%arch", "aarch64|armv7l|armv6l|s390x|s390|riscv64" }),
	  .no_fix = true },
};
CLASHES(input, ON(input))

/* ---- panic-model ---- */

static const struct clash panic_clashes[] = {
	{ CLASH(ON(panic), "@model",
		"only S390 guests support panic device of model 's390', and this one is "
		"{%arch}",
		{ "@model", "s390" }, { "%arch", "!s390|s390x|" }) },
	{ CLASH(ON(panic), "@model",
		"only i686 and x86_64 guests support panic device of model 'hyperv', and "
		"this one is {%arch}",
		{ "@model", "hyperv" }, { "%arch", "!i686|x86_64|" }) },
	{ CLASH(ON(panic), "@model",
		"only pSeries guests support panic device of model 'pseries'",
		{ "@model", "pseries" }),
	  .also = not_pseries },
	{ CLASH(ON(panic), "@model",
		"the QEMU binary does not support the ISA panic device, which is the default "
		"on {%arch}",
		{ "@model", "isa|" },
		{ "%arch", "aarch64|armv7l|armv6l|riscv64|riscv32|loongarch64" }),
	  .no_fix = true },
};
CLASHES(panic, ON(panic))

/* ---- panic-twice ---- */

static struct str panic_model(const struct device *d)
{
	struct fact f = ASK(d->node, "@model");

	if (fact_known(&f))
		return f.v;
	if (f.state == FACT_UNKNOWN || d->domain->machine == MACHINE_UNKNOWN)
		return (struct str){ 0 };
	if (d->domain->machine == MACHINE_PSERIES)
		return STR("pseries");
	return d->domain->machine == MACHINE_S390_CCW ? STR("s390") : STR("isa");
}

static void check_panic_twice(struct scan *s, const struct device *d)
{
	struct str model;
	struct finding *f;

	if (d->kind != DEVICE_panic || !d->domain->qemu)
		return;
	model = panic_model(d);
	for_each_device(before, d->domain, panic)
	{
		if (before == d || model.n == 0)
			return;
		if (!str_eq(panic_model(before), model))
			continue;
		f = report(s, d->node->open_at, "multiple panic devices with model '%s'",
			   shown(s, model));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, before->node->open_at, "the other one");
		return;
	}
}

static bool fix_panic_twice(struct plan *p, const struct finding *f,
			    const struct device *d)
{
	(void)f;
	plan_title(p, "remove the second <panic>");
	return plan_remove_node(p, d->node);
}

/* ---- shmem-option ---- */

static const struct clash shmem_clashes[] = {
	{ CLASH(ON(shmem), "@name", "shmem name cannot be equal to '{@name}'",
		{ "@name", ".|.." }),
	  .common = true },
	{ CLASH(ON(shmem), "msi?", "msi option is only supported with a server",
		{ "msi?", "!" }, { "server?", "" }),
	  .common = true },
	{ CLASH(ON(shmem), "model@type",
		"shmem model 'ivshmem-doorbell' is supported only with server option "
		"enabled",
		{ "model@type", "ivshmem-doorbell" }, { "server?", "" }) },
	{ CLASH(ON(shmem), "server?",
		"shmem model 'ivshmem-plain' is supported only with server option disabled",
		{ "model@type", "ivshmem-plain" }, { "server?", "!" }) },
	{ CLASH(ON(shmem), "size",
		"shmem model 'ivshmem-doorbell' does not support size setting",
		{ "model@type", "ivshmem-doorbell" }, { "server?", "!" },
		{ "size", "!" }) },
};

static void check_shmem(struct scan *s, const struct device *d)
{
	const struct node *size;
	struct fact name;
	uint64_t bytes;

	clash_check(s, d, d->node, shmem_clashes,
		    sizeof(shmem_clashes) / sizeof(shmem_clashes[0]));
	if (d->kind != DEVICE_shmem)
		return;
	name = ASK(d->node, "@name");
	if (fact_known(&name) && str_has(name.v, "/"))
		report_label(
			s, report(s, name.at, "shmem name cannot include '/' character"),
			DOMAIN_REFUSES);
	size = node_child(d->node, "size");
	if (!d->domain->qemu || !domain_size(size, "bytes", &bytes) || bytes == 0)
		return;
	if (bytes & (bytes - 1))
		report_label(
			s,
			report(s, size->text_at,
			       "shmem size must be a power of two, and is %llu bytes",
			       (unsigned long long)bytes),
			AT_START);
	else if (bytes < 1 << 20)
		report_label(
			s,
			report(s, size->text_at,
			       "shmem size must be at least 1 MiB (1024 KiB), and is "
			       "%llu bytes",
			       (unsigned long long)bytes),
			AT_START);
}

/* ---- smartcard-option ---- */

static void check_smartcard(struct scan *s, const struct device *d)
{
	const struct device *first = &d->domain->devices[d->domain->first[d->kind]];
	struct fact mode, database;
	size_t n = 0;

	if (d->kind != DEVICE_smartcard)
		return;
	mode = ASK(d->node, "@mode");
	database = ASK(d->node, "database");
	for (const struct node *c = node_child(d->node, "certificate"); c;
	     c = node_again(c))
		n++;
	if (fact_is(&mode, "host-certificates") && n != 3)
		report_label(s,
			     report(s, d->node->open_at,
				    "host-certificates mode needs exactly three "
				    "certificates, and there are %zu",
				    n),
			     DOMAIN_REFUSES);
	else if (fact_is(&mode, "host-certificates") && fact_known(&database) &&
		 !str_starts(database.v, "/"))
		report_label(s,
			     report(s, database.at, "expecting absolute path: '%s'",
				    shown(s, database.v)),
			     DOMAIN_REFUSES);
	if (first != d && d->domain->qemu)
		report_label(
			s,
			report(s, d->node->open_at,
			       "QEMU lacks multiple smartcard support, and this is a "
			       "second one"),
			DOMAIN_REFUSES);
}

/* ---- device-of-other-machine ---- */

static const struct clash machine_clashes[] = {
	{ CLASH(ON(watchdog), "@model",
		"diag288 model of watchdog is allowed for s390 and s390x only, and this one "
		"is {%arch}",
		{ "@model", "diag288" }, { "%arch", "!s390|s390x|" }) },
	{ CLASH(ON(watchdog), "@model",
		"itco model of watchdog is part of the machine type q35, and this is not one",
		{ "@model", "itco" }),
	  .also = not_q35 },
	{ CLASH(ON(nvram), "", "nvram device is only supported for PPC64",
		{ "%arch", "!ppc64|ppc64le|" }) },
	{ CLASH(ON(sound), "@model", "sound card model 'ich7' is not supported by qemu",
		{ "@model", "ich7" }) },
	{ CLASH(ON(memballoon), "@model",
		"Memory balloon device type 'xen' is not supported by qemu",
		{ "@model", "xen" }) },
	{ CLASH(ON(vsock), "cid@address",
		"guest CIDs must be >= 3, and this one is {cid@address}: 0 to 2 are the "
		"host's",
		{ "cid@address", "#>0" }, { "cid@address", "#<3" }),
	  .common = true },
};
CLASHES_ONLY(machine, ON(memballoon) | ON(nvram) | ON(sound) | ON(vsock) | ON(watchdog))

const struct rule rules_devices[] = {
	{ .id = "audio-id",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an audio backend's number that there is not, or twice",
	  .why = "Sound cards and VNC name their backend by its id: libvirt refuses a domain "
		 "in which that leads to none or to two.",
	  .steps = "Add <audio id='1' type='none'/> or what the host has, each id once.",
	  .source =
		  VALIDATE_CONF ", virDomainEnsureAudioID(), virDomainAudioDefValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_audio) },
	{ .id = "audio-settings",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "settings of an audio backend that do not go together",
	  .why = "libvirt refuses the domain: a rate, a format and a number of channels are "
		 "for fixedSettings='yes', and this for mixingEngine='yes'.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainAudioCommonParse()",
	  .since = "0.1.0",
	  CHECK(device, check_settings) },
	{ .id = "device-of-other-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a device that this machine does not have, or not so",
	  .why = "Some devices are of one architecture or one hypervisor, or stand at an "
		 "address of their own: libvirt refuses them elsewhere.",
	  .steps = "Remove it, or take the model that this machine has.",
	  .source = VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_machine) },
	{ .id = "device-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a second device of a kind of which there is one",
	  .why = "libvirt takes one watchdog, one balloon, one NVRAM and one vsock, and refuses "
		 "the domain otherwise.",
	  .steps = "Remove one of them.",
	  .source = PARSE ", virDomainDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_twice) },
	{ .id = "device-virtio-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an option of virtio on a device that is not virtio",
	  .why = "Queues, packed rings and IOMMU flags are virtio's. libvirt refuses them on "
		 "any other device.",
	  .source = VALIDATE_CONF ", virDomainCheckVirtioOptionsAreAbsent(), "
				  "virDomainDiskDefValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_virtio, fix_virtio) },
	{ .id = "input-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an input device on a bus that does not have it",
	  .why = "PS/2 has a mouse and a keyboard and is of PCs; devices of the host go through "
		 "virtio. libvirt refuses anything else.",
	  .steps = "bus='usb' or bus='virtio', or leave bus out.",
	  .source = VALIDATE_CONF ", virDomainInputDefValidate(); " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK_FIX(device, check_input, fix_input) },
	{ .id = "panic-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a panic device that this machine does not have, or not there",
	  .why = "s390 and pseries report a panic without a device, hyperv does so through the "
		 "CPU, and ISA's is of PCs: libvirt refuses other combinations.",
	  .steps = "Leave model and <address> out: libvirt takes what the machine has.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDefPanic()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_panic, fix_panic) },
	{ .id = "panic-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "two panic devices of one model",
	  .why = "The guest reports a panic once. libvirt refuses a second device of the same "
		 "model.",
	  .source = "libvirt, src/conf/domain_postparse.c, "
		    "virDomainDefRejectDuplicatePanics()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_panic_twice, fix_panic_twice) },
	{ .id = "shmem-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "shared memory of a size, name or model that it cannot have",
	  .why = "ivshmem maps the memory as a PCI BAR, a power of two of at least 1 MiB; its "
		 "name is a file in /dev/shm; and only the doorbell has a server, which decides "
		 "the size.",
	  .steps =
		  "<size unit='M'>4</size>, and ivshmem-plain without or ivshmem-doorbell "
		  "with <server/>.",
	  .source =
		  "libvirt, src/qemu/qemu_command.c, qemuBuildShmemCommandLine(); "
		  "src/qemu/qemu_domain.c, qemuDomainShmemDefPostParse(); " VALIDATE_CONF,
	  .since = "0.1.0",
	  CHECK(device, check_shmem) },
	{ .id = "smartcard-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a smartcard that is not whole, or a second one",
	  .why = "QEMU emulates one card, with three certificates of a database of the host.",
	  .steps = "Three <certificate> elements, and a <database> with its whole path.",
	  .source = PARSE ", virDomainSmartcardDefParseXML(); " VALIDATE_QEMU,
	  .since = "0.1.0",
	  CHECK(device, check_smartcard) },
};
RULES_END(devices);
