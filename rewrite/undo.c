/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/undo.h"

#include "rewrite/journal.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/banned.h"

int undo_nothing(struct err *e)
{
	return err_set(e, ERR_REFUSED, "has no repair that could be taken back");
}

static bool exists(const char *path)
{
	struct stat st;

	return path && lstat(path, &st) == 0;
}

/* What it is, its journal tells: a repair may have made it unrecognisable. */
static int undo(const char *path, bool force, const struct move_watch *watch,
		struct undo_result *r, struct arena *a, struct err *e)
{
	const char *image = journal_path(path, FORMAT_IMAGE, a, e);

	if (image && exists(image))
		return undo_image(path, force, watch, r, a, e);
	if (image && exists(journal_path(path, FORMAT_TEXT, a, e)))
		return undo_text(path, r, a, e);
	return image ? undo_nothing(e) : -1;
}

int undo_last(const char *path, bool force, const struct move_watch *watch,
	      struct undo_result *r, struct err *e)
{
	struct arena a;
	int rc;

	*r = (struct undo_result){ 0 };
	arena_init(&a, ARENA_BUDGET);
	rc = undo(path, force, watch, r, &a, e);
	arena_free(&a);
	return rc;
}
