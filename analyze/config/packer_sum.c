/* iso_checksum against the file that iso_url names, where both are here.
 * packer-plugin-sdk, multistep/commonsteps/iso_config.go; go-getter, checksum.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_lower.h"
#include "analyze/reach.h"
#include "analyze/sum.h"
#include "analyze/unit.h"

#include "base/banned.h"

enum { LIST_MAX = 1 << 20 }; /* bytes of a file of sums */

/* Of a URL that is a path of this machine. */
static bool path_in(struct str url, struct str *path)
{
	*path = url;
	if (str_starts(url, "file://"))
		*path = (struct str){ url.p + 7, url.n - 7 };
	return path->n && !str_has(*path, "://") && !str_has(*path, "?") &&
	       !str_has(*path, "{{");
}

static bool open_file(const struct reach *r, struct str name, struct source *out,
		      struct arena *a)
{
	const char *path = reach_path(r, arena_str(a, name), a);
	struct err e;
	int why;

	*out = (struct source){ .path = path, .fd = -1 };
	out->fd = reach_open(r, path, &out->st, &why);
	if (out->fd >= 0 && source_stat(out, &e) == 0)
		return true;
	source_close(out);
	return false;
}

/* "sha256:DIGITS", "DIGITS"; "none" and what else there is are none. */
static bool read_stated(const struct fact *f, struct sum *out)
{
	struct str v = f->v;

	for (unsigned k = 0; k < SUM_KINDS; k++) {
		const char *name = sum_name((enum sum_kind)k);
		size_t n = strlen(name);

		if (str_starts(v, name) && v.n > n && v.p[n] == ':') {
			out->stated = (struct str){ v.p + n + 1, v.n - n - 1 };
			out->kind = (enum sum_kind)k;
			out->at = f->at;
			return out->stated.n == sum_digits(out->kind);
		}
	}
	out->stated = v;
	out->at = f->at;
	return sum_kind_of(v, &out->kind);
}

/* "file:./SHA256SUMS" */
static bool read_listed(const struct reach *r, const struct fact *f, struct str image,
			struct sum *out, struct arena *a)
{
	struct source *list = arena_new(a, struct source);
	struct str path = { f->v.p + 5, f->v.n - 5 };
	struct view text;
	struct err e;
	bool found;

	if (!path_in(path, &path) || !open_file(r, path, list, a))
		return false;
	found = list->size <= LIST_MAX &&
		source_view(list, a, 0, list->size, &text, &e) == 0 &&
		sum_in_list(str_view(text), list, image, out);
	source_close(list);
	list->fd = -1;
	return found;
}

/* Sources of a template mostly begin with one file: it is read once for all of them. */
static bool is_read(const struct unit *u, struct sum *s)
{
	for (size_t i = 0; i < u->nbuilders; i++) {
		const struct sum *other = u->builders[i].sum;

		if (!other || other->kind != s->kind || other->dev != s->dev ||
		    other->ino != s->ino)
			continue;
		memcpy(s->actual, other->actual, sizeof(s->actual));
		return true;
	}
	return false;
}

static void read_sum(struct builder *b, const struct reach *r, const struct unit *u,
		     struct arena *a)
{
	struct sum *s = arena_new(a, struct sum);
	struct str image;
	struct source src;
	struct arena scratch;
	bool done = false;
	struct err e;

	if (!fact_known(&b->iso_url) || !fact_known(&b->iso_checksum) ||
	    !path_in(b->iso_url.v, &image))
		return;
	if (str_starts(b->iso_checksum.v, "file:")
		    ? !read_listed(r, &b->iso_checksum, image, s, a)
		    : !read_stated(&b->iso_checksum, s))
		return;
	if (!open_file(r, image, &src, a))
		return;
	s->dev = src.st.st_dev;
	s->ino = src.st.st_ino;
	done = is_read(u, s);
	arena_init(&scratch, ARENA_BUDGET);
	if (!done && sum_read(s, &src, u->host->deep, &scratch, &done, &e) != 0)
		done = false;
	if (done)
		b->sum = s;
	arena_free(&scratch);
	source_close(&src);
}

void packer_sum(struct lowering *l, struct builder *b)
{
	const struct source *src = &l->unit->src;
	struct reach r;

	if (!l->unit->host->deep || (!src->reach && src->fd < 0))
		return;
	r = src->reach ? *src->reach : reach_of(src, l->unit->host, l->scope.a);
	if (r.root)
		read_sum(b, &r, l->unit, l->scope.a);
}
