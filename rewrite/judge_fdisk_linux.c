/* libfdisk on a sparse memory file that holds the head and tail of a disk and both copies
 * of its GPT: all that libfdisk reads for its verdict.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/judge_fdisk.h"
#include "analyze/image/gpt.h"
#include "analyze/source.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <locale.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	EDGE = 1 << 20,      /* of the head and the tail */
	CHUNK = 256 << 10,   /* of a read */
	PAGE = 4096,         /* of the memory file: an empty one is left a hole */
	ARRAY_MAX = 4 << 20, /* of entries, that libfdisk shall see */
};

/* ---- the memory file ---- */

static int write_page(int fd, const uint8_t *p, size_t n, uint64_t off, struct err *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(fd, p + done, n - done, (off_t)(off + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, errno, "cannot write to a memory file");
		done += (size_t)w;
	}
	return 0;
}

static int write_pages(int fd, struct view v, uint64_t off, struct err *e)
{
	for (size_t i = 0; i < v.n; i += PAGE) {
		struct view page = view_cut(v, i, (size_t)u64_min(PAGE, v.n - i));

		if (!view_is_zero(page) &&
		    write_page(fd, page.p, page.n, off + i, e) != 0)
			return -1;
	}
	return 0;
}

/* libfdisk takes as much memory as any header with a right CRC asks for, wherever another
 * one sends it. Such headers are hidden from it. buf is read from a multiple of the sector
 * size. */
static void hide_giants(const struct image *img, uint8_t *buf, size_t n)
{
	struct view v = { buf, n };
	size_t ss = img->gpt->sector_size;

	for (size_t i = 0; view_has(v, i, GPT_HEADER_SIZE); i += ss) {
		if (view_eq(v, i, GPT_SIGNATURE, 8) &&
		    (uint64_t)view_le32(v, i + GPT_OFF_ENTRY_COUNT) *
				    view_le32(v, i + GPT_OFF_ENTRY_SIZE) >
			    ARRAY_MAX)
			memset(buf + i, 0, GPT_HEADER_SIZE);
	}
}

/* What the disk has of [off, off + len); off is a multiple of the sector size. */
static int copy_range(const struct image *img, int fd, uint64_t off, uint64_t len,
		      uint8_t *buf, struct err *e)
{
	uint64_t end = off < img->size ? off + u64_min(len, img->size - off) : off;

	while (off < end) {
		size_t n = (size_t)u64_min(CHUNK, end - off);

		if (source_read(img->src, off, buf, n, e) != 0)
			return -1;
		hide_giants(img, buf, n);
		if (write_pages(fd, (struct view){ buf, n }, off, e) != 0)
			return -1;
		off += n;
	}
	return 0;
}

static int copy_table(const struct image *img, int fd, const struct gpt_table *t,
		      uint8_t *buf, struct err *e)
{
	if (copy_range(img, fd, t->at.off, t->at.len, buf, e) != 0)
		return -1;
	if (!t->entries_read)
		return 0;
	return copy_range(img, fd, t->entries_at.off, t->entries_at.len, buf, e);
}

static int fill(const struct image *img, int fd, struct err *e)
{
	uint64_t tail = img->size > EDGE ? img->size - EDGE : 0;
	uint8_t *buf;
	int rc = -1;

	tail -= tail % img->gpt->sector_size;

	if (ftruncate(fd, (off_t)img->size) != 0)
		return err_sys(e, errno, "cannot make a memory file of %llu bytes",
			       (unsigned long long)img->size);
	buf = malloc(CHUNK);
	if (!buf)
		return err_sys(e, ENOMEM, "cannot copy the partition tables");
	if (copy_range(img, fd, 0, EDGE, buf, e) == 0 &&
	    copy_range(img, fd, tail, img->size - tail, buf, e) == 0 &&
	    copy_table(img, fd, &img->gpt->primary, buf, e) == 0)
		rc = copy_table(img, fd, &img->gpt->backup, buf, e);
	free(buf);
	return rc;
}

/* ---- its words ---- */

struct talk {
	const struct image *img;
	struct fdisk_context *cxt;
	struct arena *arena;
	struct fdisk_opinion *out;
};

/* By its own sentences (libfdisk/src/gpt.c). One that is not known here is about the table
 * as a whole, which weighs most. */
static enum fdisk_about about(const char *text)
{
	static const struct {
		const char *words;
		enum fdisk_about about;
	} known[] = {
		{ "PMBR", FDISK_PMBR },
		{ "primary GPT table is corrupt", FDISK_PRIMARY },
		{ "backup GPT table", FDISK_BACKUP },
		{ "at backup header", FDISK_BACKUP },
		{ "backup header mismatch", FDISK_BACKUP },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strstr(text, known[i].words))
			return known[i].about;
	}
	return FDISK_TABLE;
}

static void complain(struct talk *t, enum fdisk_about what, const char *text)
{
	struct fdisk_complaint *c = vec_add(&t->out->said, t->arena);

	*c = (struct fdisk_complaint){ .about = what, .text = text };
}

static int on_message(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	struct talk *t = data;
	const char *text;
	int type = fdisk_ask_get_type(ask);

	(void)cxt;
	if (type == FDISK_ASKTYPE_INFO)
		return 0;
	if (type != FDISK_ASKTYPE_WARN && type != FDISK_ASKTYPE_WARNX)
		return -EINVAL; /* a question: nobody is here to answer */
	text = str_shown(t->arena, str_of(fdisk_ask_print_get_mesg(ask)));
	complain(t, about(text), text);
	return 0;
}

static void verify(struct talk *t)
{
	size_t before = t->out->said.n;
	int problems = fdisk_verify_disklabel(t->cxt);

	/* The last one only counts the others, which are compared one by one. */
	if (problems > 0 && t->out->said.n > before + 1)
		t->out->said.n--;
	else if (problems != 0 && t->out->said.n == before)
		complain(t, FDISK_TABLE, "finds a problem, but does not say which");
}

/* ---- the same partitions? ---- */

/* libfdisk's text of a GUID against our bytes. */
static bool guid_is(struct guid g, const char *text)
{
	char ours[37];

	guid_text(g, ours);
	return text && strcasecmp(ours, text) == 0;
}

static const char *differs(struct talk *t, struct fdisk_partition *pa,
			   const struct gpt_entry *e)
{
	uint64_t size = e->last.v < e->first.v ? 0 : e->last.v - e->first.v + 1;
	const struct fdisk_parttype *type = fdisk_partition_get_type(pa);

	if (fdisk_partition_get_start(pa) != e->first.v ||
	    fdisk_partition_get_size(pa) != size)
		return arena_printf(
			t->arena,
			"sees partition %u at LBA %llu with %llu sectors, "
			"not at %llu with %llu",
			e->number, (unsigned long long)fdisk_partition_get_start(pa),
			(unsigned long long)fdisk_partition_get_size(pa),
			(unsigned long long)e->first.v, (unsigned long long)size);
	if (!type || !guid_is(e->type, fdisk_parttype_get_string(type)))
		return arena_printf(t->arena, "sees another type of partition %u",
				    e->number);
	if (!guid_is(e->guid, fdisk_partition_get_uuid(pa)))
		return arena_printf(t->arena, "sees another GUID of partition %u",
				    e->number);
	return NULL;
}

/* An entry without a type is free, whatever is left in its other fields (UEFI 5.3.3), but
 * listed when that is a first LBA. */
static bool is_unused(struct fdisk_partition *pa)
{
	const struct fdisk_parttype *type = fdisk_partition_get_type(pa);

	return type && guid_is((struct guid){ { 0 } }, fdisk_parttype_get_string(type));
}

/* Both lists are in the order of the table. */
static const char *compare(struct talk *t, struct fdisk_table *theirs)
{
	const struct gpt_table *ours = t->img->gpt->good;
	struct fdisk_iter *iter = fdisk_new_iter(FDISK_ITER_FORWARD);
	struct fdisk_partition *pa;
	const char *text = NULL;
	size_t n = 0;

	if (!iter)
		return "cannot be asked for its partitions";
	while (!text && fdisk_table_next_partition(theirs, iter, &pa) == 0) {
		size_t number = fdisk_partition_get_partno(pa) + 1;

		if (is_unused(pa))
			continue;
		if (!ours || n == ours->nentries || ours->entry[n].number != number)
			text = arena_printf(t->arena,
					    "sees a partition %zu, which is not there",
					    number);
		else
			text = differs(t, pa, &ours->entry[n++]);
	}
	fdisk_free_iter(iter);
	if (!text && ours && n < ours->nentries)
		text = arena_printf(t->arena, "does not see partition %u",
				    ours->entry[n].number);
	return text;
}

static void list_partitions(struct talk *t)
{
	struct fdisk_table *theirs = NULL;
	const char *text = "cannot be asked for its partitions";

	if (fdisk_get_partitions(t->cxt, &theirs) == 0 && theirs)
		text = compare(t, theirs);
	fdisk_unref_table(theirs);
	if (text)
		complain(t, FDISK_TABLE, text);
}

/* ---- asking ---- */

static void judge_label(struct talk *t)
{
	if (!fdisk_is_label(t->cxt, GPT)) {
		complain(t, FDISK_LABEL, "sees no GPT");
		return;
	}
	verify(t);
	/* It repairs some of what it sees, in memory, without a word. */
	if (t->out->said.n == 0 && fdisk_label_is_changed(fdisk_get_label(t->cxt, NULL)))
		complain(t, FDISK_TABLE, "would change the table when it writes it");
	list_partitions(t);
}

static int ask_about(struct talk *t, int fd, struct err *e)
{
	unsigned ss = t->img->gpt->sector_size;
	int rc;

	fdisk_set_ask(t->cxt, on_message, t);
	fdisk_disable_dialogs(t->cxt, 1);
	/* For listing only: it then does not look for file systems all over the disk. */
	fdisk_enable_listonly(t->cxt, 1);
	fdisk_save_user_sector_size(t->cxt, ss, ss);
	rc = fdisk_assign_device_by_fd(t->cxt, fd, "disk", 1);
	if (rc != 0)
		return err_sys(e, -rc, "libfdisk cannot open a copy of the tables");
	judge_label(t);
	fdisk_deassign_device(t->cxt, 1);
	return 0;
}

/* Its sentences are looked into, so they must not come translated. */
static int ask_in_english(struct talk *t, int fd, struct err *e)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL), old;
	int rc;

	if (!c)
		return err_sys(e, errno, "cannot set a locale");
	old = uselocale(c);
	rc = ask_about(t, fd, e);
	uselocale(old);
	freelocale(c);
	return rc;
}

int fdisk_ask(const struct image *img, struct arena *a, struct fdisk_opinion *out,
	      struct err *e)
{
	struct talk t = { .img = img, .arena = a, .out = out };
	int fd, rc = -1;

	*out = (struct fdisk_opinion){ .asked = true };
	fd = memfd_create("vmend", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a memory file");
	t.cxt = fdisk_new_context();
	if (!t.cxt)
		err_sys(e, ENOMEM, "cannot start libfdisk");
	else if (fill(img, fd, e) == 0)
		rc = ask_in_english(&t, fd, e);
	fdisk_unref_context(t.cxt);
	close(fd);
	return rc;
}
