/* A libvirt domain the way libvirt's own checks go over it: every device in its order, each
 * with the address that it is given. vm (analyze/model.h) has what all flavours share; this
 * is for the rules that only libvirt's XML can break.
 * https://libvirt.org/formatdomain.html; libvirt, src/conf/domain_conf.c, device_conf.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_DOMAIN_H
#define ANALYZE_CONFIG_DOMAIN_H

#include "analyze/config/lens.h"
#include "analyze/machine.h"
#include "analyze/config/node.h"
#include "base/arena.h"

/* The elements below <devices>; DEVICE_other is one that this list does not have. */
#define DEVICE_KINDS(X)                                                                  \
	X(disk, "disk")                                                                  \
	X(controller, "controller")                                                      \
	X(interface, "interface")                                                        \
	X(hostdev, "hostdev")                                                            \
	X(filesystem, "filesystem")                                                      \
	X(input, "input")                                                                \
	X(graphics, "graphics")                                                          \
	X(video, "video")                                                                \
	X(sound, "sound")                                                                \
	X(audio, "audio")                                                                \
	X(serial, "serial")                                                              \
	X(parallel, "parallel")                                                          \
	X(console, "console")                                                            \
	X(channel, "channel")                                                            \
	X(smartcard, "smartcard")                                                        \
	X(redirdev, "redirdev")                                                          \
	X(redirfilter, "redirfilter")                                                    \
	X(hub, "hub")                                                                    \
	X(tpm, "tpm")                                                                    \
	X(rng, "rng")                                                                    \
	X(memballoon, "memballoon")                                                      \
	X(memory, "memory")                                                              \
	X(iommu, "iommu")                                                                \
	X(vsock, "vsock")                                                                \
	X(watchdog, "watchdog")                                                          \
	X(panic, "panic")                                                                \
	X(shmem, "shmem")                                                                \
	X(nvram, "nvram")                                                                \
	X(lease, "lease")                                                                \
	X(crypto, "crypto")                                                              \
	X(emulator, "emulator")                                                          \
	X(other, "")

enum device_kind {
#define X(member, name) DEVICE_##member,
	DEVICE_KINDS(X)
#undef X
};
enum { DEVICE_KINDS_N = DEVICE_other + 1 };

/* <address type=''>. */
#define ADDRESS_TYPES(X)                                                                 \
	X(pci, "pci")                                                                    \
	X(drive, "drive")                                                                \
	X(usb, "usb")                                                                    \
	X(virtio_serial, "virtio-serial")                                                \
	X(ccid, "ccid")                                                                  \
	X(spapr_vio, "spapr-vio")                                                        \
	X(virtio_s390, "virtio-s390")                                                    \
	X(ccw, "ccw")                                                                    \
	X(virtio_mmio, "virtio-mmio")                                                    \
	X(isa, "isa")                                                                    \
	X(dimm, "dimm")                                                                  \
	X(unassigned, "unassigned")

enum address_type {
	ADDRESS_absent, /* libvirt chooses one */
	ADDRESS_unknown, /* there is one, of which this cannot be told, or of no such type */
#define X(member, name) ADDRESS_##member,
	ADDRESS_TYPES(X)
#undef X
};

/* A number of an address: decimal, 0x or 0, as libvirt reads them. Absent: 0. */
struct address_part {
	uint64_t v;
	bool given;
};

/* Where the device says that it is. Of another type's parts nothing is given. */
struct address {
	enum address_type type;
	const struct node *node; /* <address>; ADDRESS_absent: NULL */
	bool whole;              /* every part that is there is a number that is known */
	struct address_part domain, bus, slot,
		function;                             /* pci; bus: drive, usb as well */
	struct address_part controller, target, unit; /* drive; virtio-serial */
	struct address_part port;                     /* virtio-serial */
	struct str usb_port; /* usb: "1.2.3"; empty: libvirt chooses one */
};

struct domain;
struct pci_layout;

struct device {
	const struct domain *domain;
	enum device_kind kind;
	const struct node *node;
	struct address address; /* the element's own <address>, not its source's */
};

struct domain {
	const struct vm *vm;
	const struct node *node;      /* <domain> */
	bool qemu;                    /* of libvirt's QEMU driver: vm_runs_qemu() */
	enum machine_family machine;  /* without one, what libvirt takes for the arch;
				 * MACHINE_UNKNOWN: nobody knows it */
	const struct device *devices; /* by kind, those of one kind in their order */
	size_t ndevices;
	size_t first[DEVICE_KINDS_N + 1]; /* of each kind: [first[k], first[k + 1]) */
	bool varies; /* a template's words stand between the devices: not all are there */
	const struct pci_layout *pci; /* domain_pci.h; NULL: not known */
};

/* for_each_device (const struct device *c, d, controller) ... */
#define for_each_device(var, d, member)                                                  \
	for (const struct device *                                                       \
		     var = (d)->devices + (d)->first[DEVICE_##member],                   \
		    *var##_end = (d)->devices + (d)->first[DEVICE_##member + 1];         \
	     var < var##_end; var++)

static inline size_t domain_count(const struct domain *d, enum device_kind kind)
{
	return d->first[kind + 1] - d->first[kind];
}

const char *device_kind_name(enum device_kind kind); /* "disk"; other: "" */
const char *address_type_name(enum address_type t);  /* "pci"; absent, unknown: "" */

/* A value of a device or of the domain by its path (lens.h): ASK(dev->node,
 * "driver@queues"). Unknown where it is a template's variable. The lens lives as long as
 * the block that asks, so a fix asks again. */
#define ASK(owner, node_path)                                                            \
	lens_ask((owner),                                                                \
		 &(const struct lens){ .field = (node_path), .path = (node_path) })

/* A number as libvirt reads most of its own: decimal, 0x.. or 0..; blanks before it are
 * let pass, a sign is not. */
bool domain_number(struct str s, uint64_t *out);
static inline bool fact_number(const struct fact *f, uint64_t *out)
{
	return f->state == FACT_KNOWN && domain_number(f->v, out);
}

/* How many bytes a unit is: "KiB", "g", "bytes", in any case. */
bool domain_unit(struct str unit, uint64_t *bytes);

/* Bytes of an element such as <memory unit='GiB'>8</memory>; unit: what counts without one
 * ("KiB", "bytes"). False: absent, unknown, no number, or too large. */
bool domain_size(const struct node *n, const char *unit, uint64_t *bytes);

/* Of a domain that was lowered to vm. Budgeted: NULL past a's bound. */
const struct domain *domain_read(const struct vm *vm, struct arena *a);

#endif
