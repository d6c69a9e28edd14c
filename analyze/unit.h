/* Everything known about one input. unit_open() to unit_close() owns it all, in one arena
 * and one descriptor; findings and edits borrow from it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_UNIT_H
#define ANALYZE_UNIT_H

#include "analyze/format.h"
#include "analyze/host.h"
#include "analyze/model.h"
#include "analyze/source.h"
#include "base/arena.h"
#include "base/err.h"

struct backing;
struct builder;
struct guest;
struct image;
struct incus;
struct incus_pool;
struct node;
struct packer_module;
struct place;
struct qcow2;
struct schema_fault;
struct signs;
struct stray;
struct suppression;

enum unit_state {
	UNIT_CLOSED,
	UNIT_NOT_OURS, /* no VM file: dismissed after its first page */
	UNIT_READ,     /* facts are there */
	UNIT_FAILED,   /* an ERROR: why says what went wrong */
};

/* Where a text stops being what its language allows. A finding, not an error. */
struct syntax_error {
	struct span at;
	const char *what; /* "attribute 'mode' appears twice" */
};

enum journal_state {
	JOURNAL_NONE,
	JOURNAL_DONE,    /* a finished repair that can be taken back */
	JOURNAL_ARMED,   /* a repair stopped half-way */
	JOURNAL_DAMAGED, /* there is one, but it cannot be read */
};

struct unit {
	struct arena arena;
	struct arena counts; /* of qcow2's clusters: its bound follows the file's */
	struct source src;
	bool src_borrowed;           /* unit_read(): its descriptor is the caller's */
	const struct format *format; /* NULL: not ours */
	enum unit_state state;
	const char *
		skip_reason; /* of a unit that was read: what nobody judges of it; or NULL */
	struct err why;
	const struct host *host;        /* never NULL */
	struct lock_state locks;        /* images only */
	const struct loop_device *loop; /* over this image, or NULL */
	struct view head;               /* the first PROBE_HEAD bytes, or all there are */
	enum journal_state journal;     /* set by who knows its format */

	/* Facts: what is not there is NULL. */
	const struct image *image;
	const struct qcow2 *qcow2; /* the container; image is what it shows a guest */
	struct guest
		*guest; /* of qcow2: its disk, as image->src reads it; NULL: guest_why */
	const char *guest_why;               /* of qcow2: why image is NULL */
	struct backing *backing, *data_file; /* of qcow2: the other files of it */
	const struct signs *signs; /* what an image bears besides; NULL: not looked for */
	const struct stray *stray; /* no image, although it is said to be one */
	const struct node *doc;    /* root of the node tree */
	struct vm *vms;            /* one file can tell of several */
	size_t nvms;
	const struct builder *builders; /* of Packer: one for each VM */
	size_t nbuilders;
	const struct packer_module *packer; /* the template that they are of */
	const struct incus *incus;          /* of a file of Incus, one for each of vms */
	const struct incus_pool *pools;
	size_t npools;
	const struct syntax_error *syntax; /* broken: no doc, no vms */
	struct view text;                  /* the whole text of a config */
	/* What libvirt's schema has against doc (analyze/config/schema.h), with --schema. */
	const struct schema_fault *schema_faults;
	size_t nschema_faults;
	const struct suppression *suppressions; /* of doc (analyze/config/suppress.h) */
	size_t nsuppressions;
};

/* Opens path, recognises it and reads its facts. Always leaves u in a state that the
 * caller can report and must unit_close(); never fails otherwise. format: NULL to recognise
 * it, or the format it is known to have. */
void unit_open(struct unit *u, const char *path, enum source_mode mode,
	       const struct format *format, const struct host *host);

/* The same for a source that is there already (stdin, an overlay). The source's descriptor
 * stays the caller's. */
void unit_read(struct unit *u, const struct source *src, const struct format *format,
	       const struct host *host);

/* For format.read: fills text. */
int unit_read_text(struct unit *u, struct err *e);

void unit_close(struct unit *u);

/* Its places are lines and columns, and not offsets. */
static inline bool unit_has_lines(const struct unit *u)
{
	return u->format->kind == FORMAT_TEXT && !u->src.read_only;
}

/* What stands at a place of an image: of a container's own file, or of the disk in it. */
bool unit_place(const struct unit *u, struct span at, struct arena *a, struct place *out);

#endif
