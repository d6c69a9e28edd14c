/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/baseline.h"
#include "analyze/config/json.h"
#include "cli/jsonw.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

static int by_fingerprint(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->fingerprint, y->fingerprint);
}

static int by_path(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order == 0)
		order = strcmp(x->rule, y->rule);
	return order ? order : by_fingerprint(a, b);
}

/* ---- read ---- */

static int wrong(const char *path, const char *what, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s: it is no baseline: %s", path, what);
}

static const char *word_of(const struct node *o, const char *key, struct arena *a)
{
	const struct node *n = node_child(o, key);

	return n && n->kind == NODE_SCALAR ? arena_str(a, n->text) : NULL;
}

static int read_root(struct baseline *b, const struct node *root, const char *path,
		     struct arena *a, struct err *e)
{
	const struct node *version = node_child(root, "vmend-baseline");
	const struct node *findings = node_child(root, "findings");

	if (!version || !str_is(version->text, "1"))
		return wrong(path, "\"vmend-baseline\": 1 is missing", e);
	if (!findings || findings->kind != NODE_LIST)
		return wrong(path, "\"findings\" is missing", e);
	for_each_node (o, findings) {
		struct known k = { .fingerprint = word_of(o, "fingerprint", a),
				   .rule = word_of(o, "rule", a),
				   .path = word_of(o, "path", a) };

		if (!k.fingerprint || !k.rule || !k.path)
			return wrong(path, "a finding lacks fingerprint, rule or path",
				     e);
		*vec_add(&b->v, a) = k;
	}
	vec_sort(&b->v, by_fingerprint);
	return 0;
}

static int read_text(const char *path, struct view *text, struct arena *a, struct err *e)
{
	struct source src;
	struct err why = { 0 };
	int rc = -1;

	if (source_open(&src, path, SOURCE_READ, &why) == 0) {
		rc = src.size <= JSON_SIZE_MAX
			     ? source_view(&src, a, 0, src.size, text, &why)
			     : err_set(&why, ERR_LIMIT, "it has more than 8 MiB");
		source_close(&src);
	}
	return rc == 0 ? 0 : err_set(e, ERR_USAGE, "%s: %s", path, why.msg);
}

int baseline_read(struct baseline *b, const char *path, struct arena *a, struct err *e)
{
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct source src;
	struct view text;

	*b = (struct baseline){ 0 };
	if (read_text(path, &text, a, e) != 0)
		return -1;
	src = source_of_bytes(path, text);
	if (json_read(&src, text, a, JSON_DOUBLES_REFUSED, &root, &bad, e) != 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	return bad ? wrong(path, bad->what, e) : read_root(b, root, path, a, e);
}

bool baseline_has(const struct baseline *b, const char *fingerprint)
{
	size_t from = 0, to = b->v.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int order = strcmp(b->v.v[mid].fingerprint, fingerprint);

		if (order == 0)
			return true;
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

/* ---- write ---- */

static void render(struct buf *out, const struct baseline *b)
{
	struct jsonw j = { .out = out };

	jsonw_object(&j, NULL);
	jsonw_u64(&j, "vmend-baseline", 1);
	jsonw_array(&j, "findings");
	for (size_t i = 0; i < b->v.n; i++) {
		const struct known *k = &b->v.v[i];

		if (i > 0)
			buf_char(out, ',');
		j.comma = false;
		jsonw_line(&j);
		jsonw_object(&j, NULL);
		jsonw_cstr(&j, "path", k->path);
		jsonw_cstr(&j, "rule", k->rule);
		jsonw_cstr(&j, "fingerprint", k->fingerprint);
		jsonw_object_end(&j);
	}
	if (b->v.n)
		jsonw_line(&j);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_line(&j);
}

/* The old one stays until the new one is whole. */
static int replace(const char *path, const struct buf *text, struct arena *a,
		   struct err *e)
{
	const char *new = arena_printf(a, "%s.new", path);
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	bool good = fd >= 0 && write_all(fd, text->p, text->n) == 0 && fsync(fd) == 0;
	int sys = errno;

	if (fd >= 0 && close(fd) != 0 && good) {
		good = false;
		sys = errno;
	}
	if (good && rename(new, path) != 0) {
		good = false;
		sys = errno;
	}
	if (good)
		return 0;
	if (fd >= 0)
		unlink(new);
	return err_sys(e, sys, "--write-baseline: cannot write %s", path);
}

int baseline_write(struct baseline *b, const char *path, struct arena *a, struct err *e)
{
	struct baseline old;
	struct buf text = { 0 };
	int rc;

	if (access(path, F_OK) == 0 && baseline_read(&old, path, a, e) != 0)
		return -1;
	vec_sort(&b->v, by_path);
	render(&text, b);
	rc = replace(path, &text, a, e);
	buf_free(&text);
	return rc;
}
