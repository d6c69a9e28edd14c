/* The header to read first: how vmend names places and states facts.
 *
 * Everything that analyze/ finds out is a fact with the span it was read from. Facts are
 * described, never judged: a wrong value is still a fact. rules/ judges.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_MODEL_H
#define ANALYZE_MODEL_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct builder;
struct domain;
struct lens;
struct medium;
struct node;
struct qemu_command;
struct source;
struct utm;

/* ---- places ---- */

/* The only way to name a place, in text and in images alike: bytes of a source. Lines and
 * columns are computed when printing. */
struct span {
	const struct source *src;
	uint64_t off, len; /* bytes */
};

static inline uint64_t span_end(struct span s)
{
	return s.off + s.len;
}

/* A number that stands at a known place of an image. */
struct field {
	uint64_t v;
	struct span at;
};

/* ---- facts of a config ---- */

enum fact_state {
	FACT_ABSENT,  /* not set: the flavour's default applies */
	FACT_KNOWN,   /* set, and v is its value */
	FACT_UNKNOWN, /* cannot be decided here: a variable, another file */
};

struct fact {
	enum fact_state state;
	struct str v;             /* known: the decoded value. unknown: the source text */
	struct span at;           /* known, unknown: the value's bytes, without quotes.
				     absent: the node that would hold it (a start tag) */
	const struct node *owner; /* what it belongs to, e.g. the <disk> element */
	const struct lens *lens;  /* how this flavour spells it; NULL: no word for it */
};

/* Both are false when the state is unknown: that is how unknown never becomes a finding.
 * An absent fact is nothing, so fact_is_not() is true of it for every value. */
static inline bool fact_is(const struct fact *f, const char *value)
{
	return f->state == FACT_KNOWN && str_is(f->v, value);
}

static inline bool fact_is_not(const struct fact *f, const char *value)
{
	return f->state == FACT_ABSENT ||
	       (f->state == FACT_KNOWN && !str_is(f->v, value));
}

static inline bool fact_absent(const struct fact *f)
{
	return f->state == FACT_ABSENT;
}

static inline bool fact_known(const struct fact *f)
{
	return f->state == FACT_KNOWN;
}

/* ---- the one model that every config flavour lowers to ---- */

enum flavour {
	FLAVOUR_LIBVIRT,
	FLAVOUR_QEMU,   /* a command line of qemu-system-*, or a file of its options */
	FLAVOUR_PACKER, /* a builder or source of a template */
	FLAVOUR_QUICKEMU,
	FLAVOUR_INCUS, /* and LXD */
	FLAVOUR_UTM,   /* with QEMU, or Apple's Virtualization.framework (type vz) */
};

/* A disk, CD-ROM or floppy of a VM. (What is inside the file it names: struct image.) */
struct disk {
	const struct vm *vm;
	const struct node *node;
	struct fact device;    /* disk, cdrom, floppy, lun */
	struct fact type;      /* file, block, network, volume, dir, nvme, vhostuser */
	struct fact source;    /* path, device or volume name */
	struct fact format;    /* raw, qcow2, ... */
	struct fact target;    /* vda, sda, hda */
	struct fact bus;       /* virtio, scsi, sata, ide, usb, fdc, nvme */
	struct fact cache;     /* none, writeback, writethrough, directsync, unsafe */
	struct fact io;        /* native, threads, io_uring */
	struct fact discard;   /* unmap, ignore */
	struct fact readonly;  /* "yes" when present */
	struct fact shareable; /* "yes" when present */
	struct fact transient; /* "yes" when present */
	struct fact logical_block_size, physical_block_size; /* bytes */
	struct fact size;       /* of a disk that is made, as it is written */
	struct fact made_from;  /* an image that this one begins as a copy of */
	struct fact iothread;   /* true: a thread of QEMU's own, by name elsewhere */
	struct fact controller; /* the number of the one that it is attached to */
	struct fact boot_index; /* when it is booted: lower numbers first */
	struct fact locking;    /* QEMU's locks on the image file: on, off, auto */
	/* The backing file, where the config itself names it, and the locks on that. */
	struct fact backing, backing_locking;
	const struct mount *backing_mount;
	/* The file system that holds the source on this host; NULL: not a local path, or the
	 * host's mounts are not known. Found by name only, the path itself is not touched. */
	const struct mount *mount;
	/* The VMs run here, and the source is a block device by its name: where it, or a
	 * partition of it, is mounted; NULL: nowhere, or it is not known. */
	const struct mount *mounted;
	/* What the source, or made_from, leads to (medium.h). NULL: not known here, medium_why
	 * says why; or nobody has asked, and that is NULL as well. */
	const struct medium *medium;
	const char *medium_why;
	/* The same of the backing file that the config itself names, and of which format it
	 * says that one is. */
	const struct medium *backing_medium;
	struct fact backing_format;
};

struct iommu {
	const struct vm *vm;
	const struct node *node;
	struct fact model;           /* intel, virtio, smmuv3, amd */
	struct fact intremap;        /* on, off */
	struct fact caching_mode;    /* on, off */
	struct fact eim;             /* on, off */
	struct fact iotlb;           /* on, off */
	struct fact aw_bits;         /* 39, 48 */
	struct fact dma_translation; /* on, off */
};

/* A device of the host handed to the guest; libvirt's <interface type='hostdev'> too. */
struct hostdev {
	const struct vm *vm;
	const struct node *node;
	struct fact mode;    /* subsystem, capabilities */
	struct fact type;    /* pci, usb, scsi, mdev, ... */
	struct fact managed; /* yes, no */
	struct fact driver;  /* who holds it on the host: vfio, kvm, xen */
};

enum { BOOT_DEVS_MAX = 4 };

struct vm {
	enum flavour flavour;
	const struct node *node;
	struct fact name, uuid;
	struct fact type;     /* kvm, qemu, xen, ... : libvirt's <domain type=''> */
	struct fact arch;     /* x86_64, aarch64, ... */
	struct fact machine;  /* q35, pc-i440fx-7.2, virt-8.0, ... */
	struct fact emulator; /* path of the QEMU binary */
	struct fact firmware; /* bios, efi, ... as the flavour spells it */
	/* The files of the firmware: its code (firmware.h decides what it is), as pflash or
	 * rom; its variables; and what those are copied from. */
	struct fact loader, loader_type, loader_readonly, nvram, nvram_template;
	struct fact secure_boot; /* as the flavour spells it, or implies */
	struct fact kernel;      /* is started without looking at any disk */
	struct fact initrd;      /* with it */
	struct fact acpi;        /* "yes" when present */
	struct fact tpm;         /* "yes" when present */
	struct fact memory;      /* as it is written */
	struct fact guest;       /* which system is in it, as its config says */
	uint64_t memory_size;    /* bytes; 0: not known */
	/* libvirt's <os><boot dev=''/>: kinds of devices to boot, the first one first. */
	struct fact boot_devs[BOOT_DEVS_MAX];
	size_t nboot_devs;
	/* The VM runs on this machine, and its packages do not have these files. */
	bool loader_gone, template_gone;
	/* What these files are; NULL: not known. Flash of a command line is a disk as well. */
	const struct medium *loader_medium, *nvram_medium, *kernel_medium, *initrd_medium;
	struct fact ioapic;   /* qemu (split), kvm */
	struct fact irqchip;  /* QEMU's word for the same: split, off, on */
	bool boots_elsewhere; /* the network, or a device of the host, is asked as well */
	const char *folder; /* where the disks' names lead, beside the config; NULL: ./ */
	struct disk *disks; /* who reads a config gives them their media at the end */
	size_t ndisks;
	struct iommu *iommus; /* more than one is wrong, and still a fact */
	size_t niommus;
	const struct hostdev *hostdevs;
	size_t nhostdevs;
	/* Words that go to QEMU as they are (libvirt's <qemu:commandline>, <qemu:override>):
	 * they may say something else than the facts above. */
	const struct str *raw;
	size_t nraw;
	/* A VM of FLAVOUR_QEMU, of the words that are added to the command line which the
	 * flavour's own program makes of the rest: <qemu:arg>, qemuargs, extra_args, raw.qemu
	 * (config/qemu_args.h); NULL: there are none. */
	const struct vm *args;
	const struct vm *base; /* whose args this is, where that is what it is */
	/* The same for who asks about QEMU's options (config/qemu.h); NULL: there are none. */
	const struct qemu_command *qemu;
	/* How Packer makes it (config/packer.h); NULL: it is no template's. */
	const struct builder *builder;
	const struct utm *utm;       /* of UTM's config.plist (config/utm.h); else NULL */
	const struct domain *domain; /* of libvirt's XML (config/domain.h); else NULL */
};

/* Known to run under QEMU, and not Xen, LXC, bhyve, VMware ... */
static inline bool vm_runs_qemu(const struct vm *vm)
{
	return fact_is(&vm->type, "kvm") || fact_is(&vm->type, "qemu") ||
	       fact_is(&vm->type, "hvf");
}

#endif
