/* Incus and LXD: instances, profiles, preseeds, backups and image metadata in YAML.
 * https://linuxcontainers.org/incus/docs/main/ , shared/api/, internal/instance/config.go.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_INCUS_H
#define ANALYZE_CONFIG_INCUS_H

#include "analyze/unit.h"
#include "base/version.h"

enum incus_kind {
	INCUS_INSTANCE, /* also a snapshot of one */
	INCUS_PROFILE,
};

enum incus_type {
	INCUS_EITHER, /* not said, or a profile: may be used for both */
	INCUS_VM,
	INCUS_CONTAINER,
};

/* ---- raw.qemu.conf: an ini text within a value ----
 * internal/server/instance/drivers/driver_qemu_config_override.go. Lines are trimmed.
 * "[name]" or "[name][index]", then "key = value"; a header without keys removes the
 * section, an empty value the key. There are no comments. */

struct incus_section {
	struct str name; /* device "qemu_iommu" */
	struct span at;  /* the header's bytes in the file */
	struct span
		lines; /* its line and the empty ones behind it, whole: what has to go for
			      it to be gone. Empty: it has no line of its own in the file */
	size_t nkeys;
	struct node *map; /* its settings, as options of QEMU (ini.h): SYNTAX_INI */
	bool first;       /* of the section's name and index so far */
};

struct incus_override {
	const struct incus_section *sections;
	size_t nsections;
	const struct node *root; /* whose children are those that set something */
	struct span flaw_at;     /* of the first line that Incus refuses */
	const char *flaw;        /* what is wrong with it; NULL: nothing */
};

/* ---- devices ---- */

struct incus_device {
	const struct node *node;
	struct str name;
	struct fact type; /* disk, nic, gpu, pci, usb, tpm, ... */
	struct fact path, source, pool, size, size_state, io_bus, io_cache;
	struct fact gputype, nictype, network;
};

/* ---- instances and profiles ---- */

struct incus_keys {
	struct fact iommu, secureboot, csm, sev, stateful; /* security.*, migration.* */
	struct fact memory, nesting;
	struct fact image_os, image_description, image_release, image_variant;
	struct fact image_secureboot; /* image.requirements.* */
	struct fact image_agent, image_cloud_init;
	struct fact raw_conf, raw_qemu;
	struct fact qmp_early, qmp_pre, qmp_post; /* raw.qemu.qmp.* */
	struct fact doc_early, doc_pre, doc_post; /* what the manual once called them */
};

struct incus {
	enum incus_kind kind;
	enum incus_type type;
	bool complete;          /* nothing that is not here adds keys or devices */
	struct version version; /* of the Incus that it is for */
	const struct node *node, *config;
	struct fact arch;
	struct incus_keys own; /* config: what can be edited */
	struct incus_keys all; /* with those of its profiles, where they are shown */
	const struct incus_device *devices; /* likewise: own ones, or all where shown */
	size_t ndevices;
	bool devices_own;
	const struct incus_override *override; /* of own.raw_conf; NULL: none */
};

/* A storage pool that a preseed makes. */
struct incus_pool {
	const struct node *node;
	struct version version;
	uint32_t sector_size; /* of its disk, as far as somebody said; else 0 */
	struct fact name, driver, source;
};

/* "true", "1", "yes", "on" in any case, as Incus takes it. False: also where not known. */
bool incus_true(const struct fact *f);
/* Known to be set, or left at a default of false, to something else. */
bool incus_not_true(const struct fact *f);

/* A word that Incus takes for true or false, in any case. */
bool incus_is_bool(struct str s);

/* Bytes: "8GiB", "512MB", "1024". False: a percentage, or no size. */
bool incus_size(struct str s, uint64_t *bytes);

/* Why this is no JSON list of objects; NULL: it is one. */
const char *incus_qmp_flaw(struct str s);

/* Does Incus take a guest with this image.os for Windows? */
bool incus_is_windows(struct str os);

/* The name of a Linux distribution that a description begins with; empty: none. */
struct str incus_distribution(struct str description);

/* ---- for incus.c ---- */

/* Reads a value of raw.qemu.conf. text is the file's. NULL: no memory. */
const struct incus_override *incus_override(const struct node *value, struct view text,
					    struct arena *a);

/* Does a section of that kind set this, or take it away with all the rest? */
bool incus_override_says(const struct incus_override *o, const char *kind,
			 const char *key);

/* Do the first bytes of a text look like one of ours? */
bool incus_probe(struct view head);

/* Fills the disks of vm, which is i's. False: no memory. */
bool incus_read_disks(struct vm *vm, const struct incus *i, struct arena *a);

/* Words that decide, in a map of config keys: for the probe and for the reading. */
bool incus_is_instance_key(struct str key);
bool incus_is_vm_key(struct str key);
bool incus_is_container_key(struct str key);
bool incus_is_device_type(struct str type);

#endif
