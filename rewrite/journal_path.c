/* Where a target's journal is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/journal.h"
#include "rewrite/journal_format.h"

#include "rewrite/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* A file name has at most 255 bytes. What is longer is cut into folders, whose names end
 * with a character that no journal's name ends with. */
enum { CHUNK = 240 };
#define FOLDER_MARK '+'

static const char *state_folder(struct arena *a, struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	/* The XDG specification: a relative path is to be ignored. */
	if (state && state[0] == '/')
		return arena_printf(a, "%s/vmend/undo", state);
	if (home && home[0] == '/')
		return arena_printf(a, "%s/.local/state/vmend/undo", home);
	err_set(e, ERR_REFUSED,
		"there is no place for its undo journal: neither XDG_STATE_HOME nor HOME is "
		"an absolute path");
	return NULL;
}

/* The whole path in one name: "/" and "%" as in a URL, so that no two paths share one. */
static char *name_of_path(const char *path, struct arena *a)
{
	struct buf b = { 0 };
	size_t in_chunk = 0;
	char *name;

	for (; *path; path++) {
		if (in_chunk >= CHUNK - 3) {
			buf_char(&b, FOLDER_MARK);
			buf_char(&b, '/');
			in_chunk = 0;
		}
		if (*path == '/' || *path == '%') {
			buf_printf(&b, "%%%02X", (unsigned)*path);
			in_chunk += 3;
		} else {
			buf_char(&b, *path);
			in_chunk++;
		}
	}
	buf_add(&b, STR(JOURNAL_SUFFIX));
	name = arena_str(a, (struct str){ b.p, b.n });
	buf_free(&b);
	return name;
}

const char *journal_path(const char *target, enum format_kind kind, struct arena *a,
			 struct err *e)
{
	char *resolved = realpath(target, NULL);
	const char *path, *folder;
	struct stat st;

	if (!resolved) {
		err_sys(e, errno, "cannot resolve its path");
		return NULL;
	}
	path = arena_str(a, str_of(resolved));
	free(resolved);
	if (stat(path, &st) != 0) {
		err_sys(e, errno, "cannot stat it");
		return NULL;
	}
	/* /dev is gone after a reboot, when a half-way repair needs its journal most. */
	if (kind == FORMAT_IMAGE && !S_ISBLK(st.st_mode))
		return arena_printf(a, "%s%s", path, JOURNAL_SUFFIX);
	folder = state_folder(a, e);
	return folder ? arena_printf(a, "%s/%s", folder, name_of_path(path, a)) : NULL;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder, and its name in the one above, both to last. */
static int make_folder(const char *path, const char *above, struct err *e)
{
	int dir, rc;

	if (io_mkdir(path, e) != 0)
		return e->sys == EEXIST && is_folder(path) ? 0 : -1;
	dir = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, errno, "cannot open its folder");
	rc = io_sync_dir(dir, e);
	close(dir);
	return rc;
}

int journal_make_folders(const char *path, struct err *e)
{
	char *part = strdup(path);
	char *above = strdup("/");
	int rc = 0;

	BUG_ON(path[0] != '/');
	if (!part || !above)
		out_of_memory();
	for (char *slash = strchr(part + 1, '/'); slash && rc == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!is_folder(part))
			rc = make_folder(part, above, e);
		free(above);
		above = strdup(part);
		BUG_ON(!above);
		*slash = '/';
	}
	free(above);
	free(part);
	return rc;
}
