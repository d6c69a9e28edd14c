/* What this machine can tell about an input. Looked up once per run (mounts, loop devices)
 * or once per file (locks); never by touching a path that an input names.
 * What only Linux has is in host_linux.c; host_posix.c answers "unknown" elsewhere.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_HOST_H
#define ANALYZE_HOST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/version.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct listings;
struct media;
struct rule;
struct schema;

/* One line of /proc/self/mountinfo. */
struct mount {
	const char *dir;     /* mount point, unescaped */
	const char *fstype;  /* ext4, nfs4, cifs, fuse.sshfs, ... */
	const char *source;  /* device or server:/export */
	const char *options; /* mount and super options, joined by commas */
	unsigned id, parent; /* the kernel's numbers: what is mounted on what */
	unsigned major, minor;
};

/* A loop device and the file behind it. */
struct loop_device {
	const char *name; /* "loop3" */
	dev_t dev;        /* of the backing file's file system */
	bool known;       /* dev and ino are; else the path is all there is */
	ino_t ino;
	const char *path; /* backing file as the kernel prints it */
};

/* A folder that the user lets names in images lead to. */
struct root {
	const char *given; /* as an absolute path */
	const char *real;  /* the same with all links resolved */
};

/* Where files are on this machine that a config or an image names by the path that they have
 * on another one: --path-map FROM=TO. */
struct path_map {
	const char *from, *to;
};

/* A program that configs are for, and its version: the user's word, --target NAME=VERSION.
 * What its other versions did is no concern of theirs. */
struct target_program {
	const char *name; /* "incus" */
	struct version version;
};

/* Which entry of the active L1 table of the QCOW2 that is mended pointed at the L2 table in
 * a host cluster: the user's word, --place CLUSTER=ENTRY. */
struct table_place {
	uint64_t cluster, slot;
};

/* What the user gives to templates: --var NAME=VALUE, and the text of a --var-file. */
struct given_var {
	const char *name, *value;
};

struct given_file {
	const char *path;
	struct view text;
};

/* The user that VMs run as. */
struct vm_user {
	const char *name;
	uid_t uid;
	const gid_t *groups;
	size_t ngroups;
};

/* For what takes long, with its path and bytes. False: stop. Called by any worker. */
struct deep_watch {
	bool (*go_on)(void *ctx, const char *path, uint64_t done, uint64_t total);
	void *ctx;
};

/* Const after host_read(); shared by all workers. */
struct host {
	const struct mount *mounts;
	size_t nmounts;
	bool mounts_known;
	const struct loop_device *loops;
	size_t nloops;
	/* The VMs run on this machine, as the user says: --host. Else it may be any. */
	bool here;
	const struct vm_user *user; /* here; NULL: not known */
	/* Of the disks that images are to be attached as, where the user said so; 0: not
	 * known. No file has a sector size of its own. */
	uint32_t sector_size;
	/* Besides each image's own folder. */
	const struct root *roots;
	size_t nroots;
	const struct path_map *maps; /* what they lead to is in roots as well */
	size_t nmaps;
	const struct target_program *targets;
	size_t ntargets;
	const struct table_place *places;
	size_t nplaces;
	/* Rules that no text may suppress; borrowed. */
	const struct rule *const *unsuppressable;
	size_t nunsuppressable;
	/* What a policy adds to the rules; has_policy: there is one, so others are none. */
	const struct rule *const *team;
	size_t nteam;
	bool has_policy;
	bool needs_reasons; /* of each suppression */
	const struct given_var *vars;
	size_t nvars;
	const struct given_file *var_files;
	size_t nvar_files;
	/* All that can be read is read, not only what says what is where. NULL: no. */
	const struct deep_watch *deep;
	/* Only what a config can ask of its images is read: no L2 tables, no refcounts. */
	bool shallow;
	/* What domains of libvirt are held against (config/schema.h). NULL: they are not. */
	struct schema *schema;
	/* What configs name is looked at, each file once. NULL: it is not. */
	struct media *media;
	/* Folders whose names are known (listing.h). NULL: each is listed when it is asked for. */
	struct listings *listings;
};

/* Reads this machine's mounts and loop devices. mountinfo: a file to read instead of
 * /proc/self/mountinfo (checking for another host; loop devices are then not known), or
 * NULL. Memory is a's. Fails only when an explicitly named mountinfo cannot be read. */
int host_read(struct host *h, struct arena *a, const char *mountinfo, struct err *e)
	__attribute__((warn_unused_result));

/* The mount that holds an absolute path: the longest mount point that is a prefix of it and
 * not itself hidden under a later mount; of several at one place, the last. Symlinks are not
 * followed, so a path with ".." in it has no answer. NULL: not known. */
const struct mount *host_mount_of(const struct host *h, struct str path);

/* Of that program; not known: the user did not say. */
struct version host_version(const struct host *h, const char *program);

/* Is the option there, whole, as "nolock" or as "vers=3" or "vers" (any value)? */
bool mount_has_option(const struct mount *m, const char *option);

/* Its locks are kept by this host to itself: another one does not see them. */
bool mount_locks_are_local(const struct mount *m);

/* ---- QEMU's image locks (block/file-posix.c) ----
 * QEMU takes shared one-byte OFD locks: byte 100 + i says "I use permission i", byte
 * 200 + i "I do not share permission i", i: 0 consistent read, 1 write, 2 write unchanged,
 * 3 resize, 4 graph modification (QEMU up to 6.1). Conflicts are found by testing the
 * opposite byte. */
enum { QEMU_LOCK_USED = 100, QEMU_LOCK_UNSHARED = 200, QEMU_LOCK_PERMS = 5 };

struct lock_state {
	bool known;    /* false: this system or file system cannot be asked */
	int sys;       /* errno of the question when it failed: ENOLCK, EOPNOTSUPP ... */
	unsigned used; /* bit i: byte 100 + i is locked by somebody else */
	unsigned unshared; /* bit i: byte 200 + i is locked by somebody else */
	bool whole_file;   /* an exclusive lock over all of it: Cloud Hypervisor */
	bool whole_shared; /* the same, but shared: its read-only disks */
	bool virtlockd;    /* bytes 0, 1: libvirt, mostly its lock daemon */
	/* One who holds them; 0: not asked (only with --host), or not known. */
	long pid;
	char holder[32];
};

/* Asks without taking a lock; a read-only descriptor is enough. */
struct lock_state host_locks(int fd);

/* Somebody writes to the image, or may at any moment. */
bool lock_has_writer(const struct lock_state *l);
/* Somebody has it open in a way that forbids writing to it. A reader is enough. */
bool lock_forbids_writing(const struct lock_state *l);

/* The loop device over this file (device and inode of st), or NULL. */
const struct loop_device *host_loop_of(const struct host *h, const struct stat *st);

/* Where a block device ("loop3"), or one of its partitions, is mounted; NULL: nowhere. */
const struct mount *host_mount_of_device(const struct host *h, const char *name);

/* False: there is no such user. Memory is a's. */
bool host_find_user(struct vm_user *u, const char *name, struct arena *a);

/* host_read()'s part that differs by system: fills h->loops. */
void host_find_loops(struct host *h, struct arena *a);

#endif
