/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { FLUSH_AT = 64 << 10 };

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

static void begin(struct sink *s)
{
	struct json j = { .out = &s->out };

	if (s->format != REPORT_JSON)
		return;
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_cstr(&j, "version", VMEND_VERSION);
	json_array(&j, "findings");
}

static void close_files(struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];

		if (k->path && k->fd >= 0 && close(k->fd) != 0 && !k->sys)
			k->sys = errno;
		buf_free(&k->out);
		buf_free(&k->fixed);
		buf_free(&k->skipped);
	}
}

int sinks_open(struct sinks *s, const struct options *o, const struct inputs *in,
	       const struct host *host, struct err *e)
{
	*s = (struct sinks){ .quiet = o->quiet, .is_diff = o->diff };
	if (!o->quiet)
		s->v[s->n++] = (struct sink){ .format = o->format,
					      .fd = STDOUT_FILENO,
					      .live = isatty(STDOUT_FILENO),
					      .term = term_of(STDOUT_FILENO, o->color) };
	for (size_t i = 0; i < o->outputs.n; i++) {
		struct sink *k = &s->v[s->n++];

		*k = (struct sink){ .format = o->outputs.v[i].format,
				    .path = o->outputs.v[i].path,
				    .term = term_plain() };
		if (open_file(k, in, host, e) != 0) {
			close_files(s);
			return -1;
		}
	}
	for (size_t i = 0; i < s->n; i++)
		begin(&s->v[i]);
	return 0;
}

static void render_mended(const struct sinks *s, struct piece *pieces, const char *path,
			  const struct mended *m)
{
	for (size_t i = 0; i < s->n; i++) {
		switch (s->v[i].format) {
		case REPORT_TEXT:
			text_mended(&pieces[i].findings, &s->v[i].term, path, m);
			break;
		case REPORT_CONCISE:
			concise_mended(&pieces[i].findings, path, m);
			break;
		case REPORT_JSON:
			json_mended(&pieces[i].fixed, path, m);
			break;
		}
	}
}

struct rendering {
	const struct sinks *s;
	struct piece *pieces;
	bool gap; /* what was done is above: findings keep a distance from it */
};

static void render_exhibit(void *ctx, const struct examined *x, const struct exhibit *e)
{
	struct rendering *r = ctx;

	for (size_t i = 0; i < r->s->n; i++) {
		const struct sink *k = &r->s->v[i];
		struct buf *out = &r->pieces[i].findings;

		switch (k->format) {
		case REPORT_TEXT:
			if (r->gap && out->n)
				buf_char(out, '\n');
			text_exhibit(out, &k->term, x, e);
			break;
		case REPORT_CONCISE:
			concise_exhibit(out, x, e);
			break;
		case REPORT_JSON:
			json_exhibit(out, x, e);
			break;
		}
	}
	r->gap = false;
}

void sinks_render(const struct sinks *s, struct piece *pieces, struct examined *x,
		  const struct findings *found, const struct mended *m)
{
	struct rendering r = { .s = s, .pieces = pieces, .gap = m != NULL };

	if (m)
		render_mended(s, pieces, x->path, m);
	examine(x, found, s->n ? render_exhibit : NULL, &r);
}

/* Elements, each input's on a line of its own. */
static void put_comma(struct buf *out, bool *has_some)
{
	buf_add(out, *has_some ? STR(",\n") : STR("\n"));
	*has_some = true;
}

/* Takes the memory over rather than to have a large report twice. */
static void put(struct sink *k, struct buf *piece)
{
	if (piece->n >= FLUSH_AT) {
		flush(k);
		buf_free(&k->out);
		k->out = *piece;
		*piece = (struct buf){ 0 };
	} else {
		buf_add_bytes(&k->out, piece->p, piece->n);
		buf_free(piece);
	}
	if (k->out.n >= FLUSH_AT || k->live)
		flush(k);
}

void sinks_put(struct sinks *s, struct piece *pieces)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];
		struct piece *p = &pieces[i];
		bool has_fixed = k->fixed.n > 0;

		if (k->format == REPORT_JSON && p->findings.n)
			put_comma(&k->out, &k->has_findings);
		put(k, &p->findings);
		if (p->fixed.n) {
			put_comma(&k->fixed, &has_fixed);
			buf_add_bytes(&k->fixed, p->fixed.p, p->fixed.n);
			buf_free(&p->fixed);
		}
	}
}

void sinks_skip(struct sinks *s, const char *path, const char *reason, bool stopped)
{
	struct term plain = term_plain();
	struct buf line = { 0 };

	for (size_t i = 0; i < s->n && !s->is_diff; i++) {
		struct sink *k = &s->v[i];

		if (k->format == REPORT_TEXT)
			text_skipped(&k->out, &k->term, path, reason, stopped);
		else if (k->format == REPORT_JSON)
			json_skipped(&k->skipped, path, reason);
	}
	/* What programs read has no place for it, or is not read by a person. */
	if (!s->quiet && (s->is_diff || s->v[0].format != REPORT_TEXT)) {
		buf_add(&line, STR("vmend: "));
		text_skipped(&line, &plain, path, reason, stopped);
		fputs(line.p, stderr);
		buf_free(&line);
	}
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

static void json_end(struct sink *s, const struct summary *sum)
{
	struct json j = { .out = &s->out };
	const struct tally *t = &sum->tally;

	if (s->has_findings)
		json_line(&j);
	json_array_end(&j);
	if (sum->is_fix) {
		json_array(&j, "fixed");
		j.comma = false;
		json_raw(&j, (struct str){ s->fixed.p, s->fixed.n });
		json_array_end(&j);
	}
	json_array(&j, "skipped");
	json_raw(&j, (struct str){ s->skipped.p, s->skipped.n });
	json_array_end(&j);
	json_object(&j, "summary");
	json_u64(&j, "checked", sum->checked);
	json_u64(&j, "skipped", sum->skipped);
	json_u64(&j, "errors", t->n[SEV_ERROR]);
	json_u64(&j, "warnings", t->n[SEV_WARNING]);
	json_u64(&j, "notes", t->n[SEV_NOTE]);
	json_u64(&j, "fixable", t->fixable[FIX_SAFE]);
	if (sum->is_fix)
		json_u64(&j, "fixed", t->fixed);
	json_seconds(&j, "seconds", sum->seconds);
	json_object_end(&j);
	json_object_end(&j);
	json_line(&j);
}

int sinks_close(struct sinks *s, const struct summary *sum, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->v[i];

		if (k->format == REPORT_TEXT && !s->is_diff)
			text_summary(&k->out, &k->term, sum);
		else if (k->format == REPORT_JSON)
			json_end(k, sum);
		flush(k);
	}
	close_files(s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].sys)
			rc = err_sys(e, s->v[i].sys, "cannot write the report");
	}
	return rc;
}
