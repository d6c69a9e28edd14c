/* Disks of a VM: what their configuration says, and what it leaves open.
 * libvirt: formatdomain, "Hard drives, floppy disks, CDROMs".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/lens.h"
#include "analyze/config/packer.h"
#include "base/banned.h"

static bool is_or_absent(const struct fact *f, const char *dflt)
{
	return fact_absent(f) || fact_is(f, dflt);
}

static const char *name_of(struct scan *s, const struct disk *d)
{
	return fact_known(&d->target) ? scan_printf(s, "disk '%s'", shown(s, d->target.v))
				      : "a disk";
}

/* ---- disk-cache-unsafe ---- */

/* Places where nobody keeps what must last. */
static bool is_scratch(const struct fact *source)
{
	static const char *const dirs[] = { "/tmp/", "/var/tmp/", "/dev/shm/", "/run/" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (fact_known(source) && str_starts(source->v, dirs[i]))
			return true;
	}
	return false;
}

/* A VM that Packer makes can be made again. But who says nothing of how it is shut down has
 * QEMU killed, with all that it never wrote. */
static void check_build(struct scan *s, const struct disk *d, const struct builder *b)
{
	struct finding *f;

	if (!fact_absent(&b->shutdown_command) || !fact_is_not(&b->communicator, "none"))
		return;
	f = report(s, d->cache.at,
		   "%s, and there is no shutdown_command: the guest's flushes are "
		   "ignored, and QEMU is killed",
		   says_qemu(d->vm) ? "cache=unsafe" : "disk_cache is unsafe");
	report_label(s, f, "what QEMU has not written by then is missing in the image");
	/* One of them may shut the guest down. */
	if (b->provisioned)
		report_lower(f);
}

static void check_cache(struct scan *s, const struct disk *d)
{
	struct finding *f;

	if (!vm_runs_qemu(d->vm) || !fact_is(&d->cache, "unsafe"))
		return;
	/* A CD-ROM or a floppy can be had again; a transient disk is meant to be lost. */
	if (!is_or_absent(&d->device, "disk") && !fact_is(&d->device, "lun"))
		return;
	if (!fact_absent(&d->readonly) || !fact_absent(&d->transient) ||
	    is_scratch(&d->source))
		return;
	if (d->vm->base && d->vm->base->builder) {
		check_build(s, d, d->vm->base->builder);
		return;
	}
	if (d->vm->builder && str_is(d->vm->builder->type, "qemu")) {
		check_build(s, d, d->vm->builder);
		return;
	}
	if (d->vm->builder || d->vm->flavour == FLAVOUR_INCUS)
		f = report(s, d->cache.at,
			   "%s has %s unsafe: the guest's flushes are ignored",
			   name_of(s, d), d->vm->builder ? "cache_mode" : "io.cache");
	else
		f = report(s, d->cache.at,
			   "%s has cache=%sunsafe%s: the guest's flushes are ignored",
			   name_of(s, d), quote_of(d->vm), quote_of(d->vm));
	report_label(s, f, "when the host stops, the guest's file system may be lost");
}

static bool fix_cache(struct plan *p, const struct finding *f, const struct disk *d)
{
	const char *quote = quote_of(d->vm);

	(void)f;
	if (d->vm->flavour == FLAVOUR_INCUS) {
		plan_title(p, "remove io.cache (the default is none)");
		return plan_remove(p, &d->cache);
	}
	/* io='native' is refused with the default cache. */
	if (fact_is(&d->io, "native")) {
		plan_title(p, "cache=%snone%s", quote, quote);
		return plan_set(p, &d->cache, "none");
	}
	if (d->vm->builder)
		plan_title(p, "remove %s (the default is %s)", d->cache.lens->path,
			   str_is(d->vm->builder->type, "qemu") ? "writeback" : "none");
	else
		plan_title(p, "remove cache=%sunsafe%s (the default is writeback)", quote,
			   quote);
	return plan_remove(p, &d->cache);
}

/* ---- disk-format-undeclared ---- */

/* File name endings and libvirt's name for the format. "" says that raw is right. */
struct ending {
	const char *ending, *format;
};

static const struct ending endings[] = {
	{ ".iso", "" },      { ".raw", "" },      { ".qcow2", "qcow2" },
	{ ".qcow", "qcow" }, { ".qed", "qed" },   { ".vdi", "vdi" },
	{ ".vhd", "vpc" },   { ".vhdx", "vhdx" }, { ".vmdk", "vmdk" },
};

/* NULL: the name does not tell. */
static const struct ending *ending_of(struct str name)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (str_ends(name, endings[i].ending))
			return &endings[i];
	}
	return NULL;
}

static void check_format(struct scan *s, const struct disk *d)
{
	const struct ending *ending;
	struct finding *f;

	/* QEMU alone would look into the file. */
	if (d->vm->flavour != FLAVOUR_LIBVIRT || !vm_runs_qemu(d->vm) ||
	    !fact_absent(&d->format))
		return;
	/* Volumes know their format from the pool; a block device nearly always is raw,
	 * and a CD-ROM, a floppy and a LUN are. */
	if (!is_or_absent(&d->device, "disk") || !is_or_absent(&d->type, "file"))
		return;
	if (!fact_known(&d->source) || d->source.v.n == 0 ||
	    str_starts(d->source.v, "/dev/"))
		return;
	ending = ending_of(d->source.v);
	if (ending && ending->format[0] == '\0')
		return;
	f = report(s, d->format.at,
		   "%s declares no format, so libvirt takes raw for '%s'", name_of(s, d),
		   shown(s, d->source.v));
	report_label(s, f, "%s",
		     ending ? "by its name it is not: the guest would see the container"
			    : "if it is not, the guest sees the container, not the disk");
	report_related(s, f, d->source.at, "the file");
}

static bool fix_format(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct ending *ending = ending_of(d->source.v);

	(void)f;
	if (!ending)
		return plan_refuse(
			p, "its name does not tell the format; `qemu-img info` does");
	plan_title(p, "type='%s', as its name says", ending->format);
	return plan_set(p, &d->format, ending->format);
}

/* ---- disk-io-native-needs-direct ---- */

static bool has_default_cache(const struct disk *d)
{
	return fact_absent(&d->cache) || fact_is(&d->cache, "default");
}

/* What a command line of QEMU calls it. */
static void say_native_qemu(struct scan *s, const struct disk *d)
{
	struct finding *f = report(
		s, d->io.at, "%s has aio=native %s, expected cache=none or directsync",
		name_of(s, d),
		has_default_cache(d)
			? "and the default cache mode"
			: scan_printf(s, "and cache mode '%s'", shown(s, d->cache.v)));

	report_label(s, f, "QEMU exits at start: aio=native requires cache.direct=on");
	if (fact_known(&d->cache))
		report_related(s, f, d->cache.at, "the cache mode");
}

/* Its own default is none. */
static void say_native_proxmox(struct scan *s, const struct disk *d)
{
	struct finding *f;

	if (fact_absent(&d->cache))
		return;
	f = report(s, d->io.at,
		   "asyncio is native and cache_mode '%s', expected none or directsync",
		   shown(s, d->cache.v));
	report_label(s, f, "%s: native I/O needs O_DIRECT", refuses(d->vm));
	report_related(s, f, d->cache.at, "the cache mode");
}

static void check_native(struct scan *s, const struct disk *d)
{
	const struct builder *b = d->vm->builder;
	struct finding *f;

	if (b && str_starts(b->type, "proxmox") && !b->foreign &&
	    fact_is(&d->io, "native") && fact_is_not(&d->cache, "none") &&
	    fact_is_not(&d->cache, "directsync"))
		say_native_proxmox(s, d);
	if (d->vm->flavour != FLAVOUR_LIBVIRT && !says_qemu(d->vm))
		return;
	if (!vm_runs_qemu(d->vm) || !fact_is(&d->io, "native"))
		return;
	if (!is_or_absent(&d->device, "disk") && !fact_is(&d->device, "lun"))
		return;
	if (!fact_is_not(&d->cache, "none") || !fact_is_not(&d->cache, "directsync"))
		return;
	if (says_qemu(d->vm)) {
		say_native_qemu(s, d);
		return;
	}
	f = report(s, d->io.at,
		   "%s has io='native' %s, expected cache='none' or 'directsync'",
		   name_of(s, d),
		   has_default_cache(d)
			   ? "and the default cache mode"
			   : scan_printf(s, "and cache='%s'", shown(s, d->cache.v)));
	report_label(s, f, "libvirt refuses the domain: native I/O needs O_DIRECT");
}

static bool fix_native(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	if (d->vm->builder)
		return plan_refuse(p, "both are set: choose cache_mode none or asyncio "
				      "threads");
	if (!has_default_cache(d))
		return plan_refuse(p, "both are set: choose cache=%snone%s or threads",
				   quote_of(d->vm), quote_of(d->vm));
	plan_title(p, "cache=%snone%s", quote_of(d->vm), quote_of(d->vm));
	return plan_set(p, &d->cache, "none");
}

const struct rule rules_disk[] = {
	{ .id = "disk-cache-unsafe",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk that ignores flushes",
	  .why = "With cache='unsafe' QEMU drops the guest's flushes: a crash of the "
		 "host or a power cut can lose or tear the guest's file system, however "
		 "careful the guest was.",
	  .steps = "Right for throw-away VMs and during an installation that can be "
		   "repeated. Otherwise remove the setting, or use cache='none'.",
	  .source = "QEMU, qemu-options.hx, -drive cache=; libvirt formatdomain, driver "
		    "cache",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_cache, fix_cache) },
	{ .id = "disk-format-undeclared",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk image without a declared format",
	  .why = "Without <driver type=''> libvirt takes raw and does not look: a qcow2 "
		 "file then is a disk whose first sector is the qcow2 header, and does "
		 "not boot.",
	  .steps = "Find out with `qemu-img info FILE`, and say so: <driver name='qemu' "
		   "type='qcow2'/>. If the guest has been writing to the image as raw, "
		   "it is raw, whatever it looks like: type='raw'.",
	  .source = "libvirt formatdomain, driver type; what virsh dumpxml then shows",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_format, fix_format) },
	{ .id = "disk-io-native-needs-direct",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "native I/O on a disk that the host caches",
	  .why = "QEMU does not start, and libvirt refuses the domain, some versions only "
		 "when it starts: io='native' needs either no disk cache or directsync cache mode. "
		 "Linux's native AIO is asynchronous with O_DIRECT only.",
	  .steps =
		  "cache='none' keeps native I/O, and needs a file system with O_DIRECT "
		  "(not tmpfs). io='threads' keeps the cache mode, and works everywhere.",
	  .source = "libvirt, src/qemu/qemu_validate.c; libvirt formatdomain, driver io",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_native, fix_native) },
};
RULES_END(disk);
