/* SARIF as GitHub's code scanning takes it: a line for everything, the worst first, at most
 * 25,000 results; it reads no fixes. docs.github.com, "SARIF support for code scanning".
 *
 * An image has no lines. Where a config of the same run names it, that line is the place, and
 * the image a related one. Which config does is known at the end only, so until then the places
 * of images stand between marks, which no JSON has in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/sarif.h"
#include "base/banned.h"

enum { GITHUB_RESULTS = 25000 };

/* MARK image BETWEEN what stands there otherwise END; and where its line's hash would go. */
enum { MARK = 1, BETWEEN = 2, END = 3, MARK_HASH = 4 };

/* A place without lines is said in the message. */
static void say(struct jsonw *j, const struct examined *x, const struct exhibit *e)
{
	struct buf text = { 0 };

	if (x->unit->format->kind == FORMAT_IMAGE) {
		buf_add(&text, STR("at "));
		buf_offset(&text, e->f->at);
		buf_add(&text, STR(": "));
	}
	buf_add(&text, str_of(e->f->message));
	if (e->f->label)
		buf_printf(&text, ": %s", e->f->label);
	sarif_message(j, "message", text.p);
	buf_free(&text);
}

static void lines_region(struct jsonw *j, const struct text_pos *from,
			 const struct text_pos *to)
{
	jsonw_u64(j, "startLine", from->line);
	jsonw_u64(j, "startColumn", from->column);
	jsonw_u64(j, "endLine", to->line);
	jsonw_u64(j, "endColumn", to->column);
}

static void place(struct jsonw *j, const char *path, const struct text_pos *from,
		  const struct text_pos *to)
{
	jsonw_object(j, "physicalLocation");
	sarif_artifact(j, path);
	jsonw_object(j, "region");
	lines_region(j, from, to);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

static void image(struct buf *out, int mark, const struct examined *x)
{
	buf_printf(out, "%c%llu %llu", mark, (unsigned long long)x->unit->src.st.st_dev,
		   (unsigned long long)x->unit->src.st.st_ino);
}

static void locations(struct jsonw *j, const struct examined *x, const struct exhibit *e)
{
	static const struct text_pos first = { 1, 1 };

	jsonw_array(j, "locations");
	jsonw_object(j, NULL);
	if (unit_has_lines(x->unit)) {
		place(j, x->path, &e->from, &e->to);
	} else {
		image(j->out, MARK, x);
		buf_char(j->out, BETWEEN);
		place(j, x->path, &first, &first);
		buf_char(j->out, END);
	}
	jsonw_object_end(j);
	jsonw_array_end(j);
}

static void fingerprints(struct jsonw *j, const struct examined *x,
			 const struct exhibit *e)
{
	char hash[LINE_HASH_TEXT];

	sarif_fingerprints(j, x, e);
	line_hash_text(&x->line_hashes, e->from.line, hash);
	if (unit_has_lines(x->unit) && hash[0]) {
		jsonw_cstr(j, "primaryLocationLineHash", hash);
	} else if (!unit_has_lines(x->unit)) {
		image(j->out, MARK_HASH, x);
		buf_char(j->out, END);
	}
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct buf *out = &p->part[e->f->severity];
	struct jsonw j = { .out = out, .comma = out->n > 0 };

	(void)t;
	rule_set_add(&p->rules, e->f->rule);
	p->n[e->f->severity]++;
	sarif_result_head(&j, e);
	say(&j, x, e);
	locations(&j, x, e);
	fingerprints(&j, x, e);
	sarif_result_tail(&j, e);
}

/* Kept until the end: the worst come first. */
static void input(struct sink *k, const char *path, struct piece *p)
{
	(void)path;
	sarif_merge_rules(&k->rules, &p->rules);
	for (size_t s = 0; s < PIECE_PARTS; s++) {
		bool has_some = k->later[s].n > 0;

		if (k->n[s] + p->n[s] > GITHUB_RESULTS) {
			buf_free(&p->part[s]);
			continue;
		}
		k->n[s] += p->n[s];
		buf_elements(&k->later[s], &has_some, &p->part[s]);
	}
}

/* ---- marks ---- */

static bool read_number(struct str *s, uint64_t *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (!str_u64((struct str){ s->p, n }, out))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* The image of a mark, and s moved behind it. */
static const struct anchor *anchor_of(const struct anchors *all, struct str *s)
{
	uint64_t dev = 0, ino = 0;

	s->p++;
	s->n--;
	if (!read_number(s, &dev) || s->n == 0)
		return NULL;
	s->p++;
	s->n--;
	return read_number(s, &ino) ? anchors_find(all, (dev_t)dev, (ino_t)ino) : NULL;
}

static size_t upto(struct str s, int c)
{
	const char *p = s.n ? memchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

/* The config's line, and the image as what it is about. */
static void anchored(struct buf *out, const struct anchor *x, struct str image)
{
	struct jsonw j = { .out = out };

	place(&j, x->path, &x->from, &x->to);
	buf_add(out,
		STR("}],\"relatedLocations\":[{\"id\":1,\"message\":{\"text\":\"the image "
		    "that this line names\"},"));
	buf_add(out, image);
}

static void resolve(struct buf *out, const struct buf *in, const struct anchors *all)
{
	struct str s = { in->p, in->n };

	while (s.n) {
		size_t n = strcspn(s.p, "\1\4");
		const struct anchor *x;
		int mark;

		n = n < s.n ? n : s.n;
		buf_add(out, (struct str){ s.p, n });
		s.p += n;
		s.n -= n;
		if (s.n == 0)
			return;
		mark = *s.p;
		x = anchor_of(all, &s);
		if (mark == MARK_HASH && x && x->hash[0])
			buf_printf(out, ",\"primaryLocationLineHash\":\"%s\"", x->hash);
		n = upto(s, BETWEEN);
		if (mark == MARK) {
			s.p += n + 1;
			s.n -= n + 1;
			n = upto(s, END);
			if (x)
				anchored(out, x, (struct str){ s.p, n });
			else
				buf_add(out, (struct str){ s.p, n });
		} else {
			n = upto(s, END);
		}
		s.p += n + 1;
		s.n -= n + 1;
	}
}

static void end(struct sink *k, const struct summary *sum)
{
	uint64_t said = 0, shown = tally_total(&sum->tally) - sum->tally.hidden;
	bool has_some = false;

	for (int s = SEV_ERROR; s >= SEV_NOTE; s--) {
		struct buf now = { 0 };

		if (said + k->n[s] > GITHUB_RESULTS)
			break;
		said += k->n[s];
		resolve(&now, &k->later[s], k->anchors);
		buf_elements(&k->out, &has_some, &now);
	}
	k->has_some = has_some;
	sarif_finish(k, sum, shown > said ? shown - said : 0);
}

const struct report_kind report_sarif_github = {
	.needs_fingerprints = true,
	.needs_anchors = true,
	.begin = sarif_begin,
	.exhibit = exhibit,
	.input = input,
	.skipped = sarif_skipped,
	.end = end,
};
