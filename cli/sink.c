/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { FLUSH_AT = 64 << 10 };

static const struct report_kind *const kinds[] = {
#define X(name, word) &report_##name,
	REPORTS(X)
#undef X
};

static void flush(struct sink *s)
{
	if (!s->sys && write_all(s->fd, s->out.p, s->out.n) != 0)
		s->sys = errno;
	buf_clear(&s->out);
}

static bool is_named(const struct stat *st, const struct inputs *in)
{
	for (size_t i = 0; i < in->v.n; i++) {
		const struct input *v = &in->v.v[i];

		if (v->named && v->ino != 0 && v->dev == st->st_dev &&
		    v->ino == st->st_ino)
			return true;
	}
	return false;
}

/* An image or config that is there already: whether it is an input or not, a report is the
 * last thing to replace it with. */
static bool is_precious(const char *path, const struct host *host)
{
	struct unit u;
	bool ours;

	unit_open(&u, path, SOURCE_READ, NULL, host);
	ours = u.format != NULL;
	unit_close(&u);
	return ours;
}

static int open_file(struct sink *s, const struct inputs *in, const struct host *host,
		     struct err *e)
{
	struct stat st;

	s->fd = -1;
	if (is_precious(s->path, host))
		return err_set(e, ERR_USAGE,
			       "--output would overwrite a VM image or config");
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (s->fd < 0 || fstat(s->fd, &st) != 0) {
		err_sys(e, errno, "--output: cannot open the file for writing");
		e->code = ERR_USAGE;
		return -1;
	}
	if (is_named(&st, in) || S_ISBLK(st.st_mode))
		return err_set(e, ERR_USAGE,
			       "--output would overwrite what is to be checked");
	if (S_ISREG(st.st_mode) && ftruncate(s->fd, 0) != 0)
		return err_sys(e, errno, "--output: cannot empty the file");
	return 0;
}

static void close_files(struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];

		if (k->path && k->fd >= 0 && close(k->fd) != 0 && !k->sys)
			k->sys = errno;
		buf_free(&k->out);
		buf_free(&k->aside);
		for (size_t j = 0; j < PIECE_PARTS; j++)
			buf_free(&k->later[j]);
	}
}

int sinks_open(struct sinks *s, const struct options *o, const struct inputs *in,
	       const struct host *host, struct err *e)
{
	*s = (struct sinks){ .quiet = o->quiet, .is_diff = o->diff, .team = s->team };
	if (!o->quiet)
		s->v[s->n++] = (struct sink){ .kind = kinds[o->format],
					      .fd = STDOUT_FILENO,
					      .live = isatty(STDOUT_FILENO),
					      .term = term_of(STDOUT_FILENO, o->color) };
	for (size_t i = 0; i < o->outputs.n; i++) {
		struct sink *k = &s->v[s->n++];

		*k = (struct sink){ .kind = kinds[o->outputs.v[i].format],
				    .path = o->outputs.v[i].path,
				    .term = term_plain() };
		if (open_file(k, in, host, e) != 0) {
			close_files(s);
			return -1;
		}
	}
	for (size_t i = 0; i < s->n; i++) {
		s->v[i].team = &s->team;
		s->v[i].anchors = &s->anchors;
		s->anchors.wanted |= s->v[i].kind->needs_anchors;
		if (s->v[i].kind->begin)
			s->v[i].kind->begin(&s->v[i]);
	}
	return 0;
}

struct rendering {
	const struct sinks *s;
	struct piece *pieces;
};

static void render_exhibit(void *ctx, const struct examined *x, const struct exhibit *e)
{
	const struct rendering *r = ctx;

	for (size_t i = 0; i < r->s->n; i++) {
		const struct sink *k = &r->s->v[i];

		if (!k->kind->exhibit || (e->suppressed && !k->kind->shows_suppressed) ||
		    (e->known && !k->kind->shows_known))
			continue;
		k->kind->exhibit(&r->pieces[i], &k->term, x, e);
	}
}

void sinks_render(const struct sinks *s, struct piece *pieces, struct examined *x,
		  const struct findings *found, const struct mended *m)
{
	struct rendering r = { .s = s, .pieces = pieces };

	for (size_t i = 0; i < s->n; i++) {
		const struct sink *k = &s->v[i];

		x->fingerprints |= k->kind->needs_fingerprints;
		x->wants_line_hashes |= k->kind->needs_anchors;
		if (m && k->kind->mended)
			k->kind->mended(&pieces[i], &k->term, x->path, m);
	}
	examine(x, found, s->n ? render_exhibit : NULL, &r);
}

/* ---- putting it together ---- */

void buf_elements(struct buf *out, bool *has_some, struct buf *elements)
{
	if (elements->n) {
		buf_add(out, *has_some ? STR(",\n") : STR("\n"));
		buf_add_bytes(out, elements->p, elements->n);
		*has_some = true;
	}
	buf_free(elements);
}

/* Takes the memory over rather than to have a large report twice. */
void sink_put(struct sink *k, struct buf *part)
{
	if (part->n >= FLUSH_AT) {
		flush(k);
		buf_free(&k->out);
		k->out = *part;
		*part = (struct buf){ 0 };
	} else {
		buf_add_bytes(&k->out, part->p, part->n);
		buf_free(part);
	}
	if (k->out.n >= FLUSH_AT || k->live)
		flush(k);
}

void sinks_put(struct sinks *s, const char *path, struct piece *pieces)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];

		if (k->kind->input)
			k->kind->input(k, path, &pieces[i]);
		else
			sink_put(k, &pieces[i].part[0]);
	}
}

static void say_skipped(const struct skip *what)
{
	struct term plain = term_plain();
	struct buf line = { 0 };

	buf_add(&line, STR("vmend: "));
	text_skipped(&line, &plain, what);
	fputs(line.p, stderr);
	buf_free(&line);
}

void sinks_skip(struct sinks *s, const struct skip *what)
{
	for (size_t i = 0; i < s->n && !s->is_diff; i++) {
		s->v[i].trouble |= what->trouble;
		if (s->v[i].kind->skipped)
			s->v[i].kind->skipped(&s->v[i], what);
	}
	/* What programs read has no place for it, or is not read by a person. */
	if (!s->quiet && (s->is_diff || !s->v[0].kind->shows_skips))
		say_skipped(what);
}

void sinks_print(struct sinks *s, struct str text)
{
	if (s->quiet || s->n == 0)
		return;
	buf_add(&s->v[0].out, text);
	if (s->v[0].out.n >= FLUSH_AT)
		flush(&s->v[0]);
}

void sinks_flush(struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		flush(&s->v[i]);
}

int sinks_close(struct sinks *s, const struct summary *sum, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];

		if (k->kind->end && !s->is_diff)
			k->kind->end(k, sum);
		flush(k);
	}
	close_files(s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].sys)
			rc = err_sys(e, s->v[i].sys, "cannot write the report");
	}
	return rc;
}

/* ---- sets of rules ---- */

void rule_set_add(struct rule_set *s, const struct rule *r)
{
	size_t i = rule_index(r);

	s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

bool rule_set_has(const struct rule_set *s, const struct rule *r)
{
	size_t i = rule_index(r);

	return s->bits[i / 64] >> i % 64 & 1;
}
