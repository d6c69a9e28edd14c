/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/iso_sum.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "base/md5.h"
#include "base/banned.h"

enum { STEP = 32 << 10, PIECE = 1 << 20 };

static const struct iso_md5 *sum_of(const struct unit *u)
{
	const struct iso *iso = u->image ? u->image->iso : NULL;

	return iso && iso->md5.readable ? &iso->md5 : NULL;
}

static bool touches(const struct plan *p, const struct iso_md5 *m)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		if (p->edits.v[i].at.off < m->end)
			return true;
	}
	return false;
}

bool iso_sum_says(const struct finding *f)
{
	return strcmp(f->rule->id, "iso-md5-mismatch") == 0;
}

/* ---- one way through the image ---- */

struct summing {
	const struct iso_md5 *m;
	struct md5 md5;
	uint64_t off;
	unsigned fragment;
	uint8_t *digits; /* of the fragments, as text; NULL: not wanted */
};

static char hex_digit(unsigned v)
{
	return "0123456789abcdef"[v & 15];
}

/* As far as the sum goes, with blanks where it is itself. p is changed. */
static void add_step(struct summing *s, uint8_t *p, size_t n)
{
	const struct iso_md5 *m = s->m;
	uint64_t from = u64_max(m->at.off, s->off);
	uint64_t to = u64_min(span_end(m->at), s->off + n), was = s->off;
	unsigned now;
	size_t each;
	uint8_t sum[MD5_SIZE];

	if (s->off >= m->end)
		return;
	n = (size_t)u64_min(n, m->end - s->off);
	if (from < to)
		memset(p + (from - s->off), ' ', (size_t)(to - from));
	md5_add(&s->md5, (struct view){ p, n });
	s->off += n;
	if (!s->digits || m->nfragments == 0)
		return;
	now = (unsigned)(was * (m->nfragments + 1) / m->end);
	if (now == s->fragment || now > m->nfragments)
		return;
	s->fragment = now;
	md5_sum(&s->md5, sum);
	each = m->fragments.n / m->nfragments;
	for (size_t i = 0; i < each && i < MD5_SIZE; i++)
		s->digits[(now - 1) * each + i] =
			(uint8_t)hex_digit(sum[i] >= 16 ? (unsigned)sum[i] >> 4 : sum[i]);
}

static int sum_up(struct summing *s, const struct source *src, struct arena *a,
		  struct err *e)
{
	uint8_t *p = arena_array(a, PIECE, uint8_t);

	md5_init(&s->md5);
	while (s->off < s->m->end) {
		size_t n = (size_t)u64_min(PIECE, s->m->end - s->off);

		if (source_read(src, s->off, p, n, e) != 0)
			return -1;
		for (size_t at = 0; at < n; at += STEP)
			add_step(s, p + at, (size_t)u64_min(STEP, n - at));
	}
	return 0;
}

static int is_right(const struct iso_md5 *m, const struct source *src, struct arena *a,
		    bool *right, struct err *e)
{
	struct summing s = { .m = m };
	uint8_t sum[MD5_SIZE];

	*right = false;
	if (m->end > src->size)
		return 0;
	if (sum_up(&s, src, a, e) != 0)
		return -1;
	md5_sum(&s.md5, sum);
	*right = memcmp(sum, m->sum, sizeof(sum)) == 0;
	return 0;
}

/* ---- the plan ---- */

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at.off < y->at.off ? -1 : x->at.off > y->at.off;
}

static void add_edit(struct mend *m, uint64_t off, struct view bytes)
{
	const struct edit *first = &m->plan.edits.v[0];
	const struct finding *because = first->because;
	struct edit *x = vec_add(&m->plan.edits, m->arena);

	*x = (struct edit){ .at = { m->plan.src, off, bytes.n },
			    .bytes = bytes,
			    .stage = STAGE_COMMIT,
			    .because = because };
}

/* What the rule says of the sum is about what is there without it. */
static void drop_finding(struct mend *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->remaining.v.n; i++) {
		if (!iso_sum_says(m->remaining.v.v[i]))
			m->remaining.v.v[n++] = m->remaining.v.v[i];
	}
	m->remaining.v.n = n;
}

static void implant(struct mend *m, const struct iso_md5 *old,
		    const uint8_t sum[MD5_SIZE], const uint8_t *digits)
{
	static const char key[] = "ISO MD5SUM = ";
	struct view area = view_cut(m->last->image->iso->primary->raw, ISO_VD_APP_USE,
				    ISO_VD_APP_USE_SIZE);
	uint8_t *text = arena_array(m->arena, 2 * MD5_SIZE, uint8_t);
	size_t at = 0;

	while (!view_eq(area, at, key, sizeof(key) - 1))
		at++;
	for (unsigned i = 0; i < MD5_SIZE; i++) {
		text[2 * i] = (uint8_t)hex_digit(sum[i] >> 4);
		text[2 * i + 1] = (uint8_t)hex_digit(sum[i]);
	}
	add_edit(m, old->at.off + at + sizeof(key) - 1,
		 (struct view){ text, 2 * MD5_SIZE });
	if (old->nfragments) {
		at = (size_t)((const uint8_t *)old->fragments.p - area.p);
		add_edit(m, old->at.off + at, (struct view){ digits, old->fragments.n });
	}
	vec_sort(&m->plan.edits, by_offset);
}

int iso_sum_follow(struct mend *m, const struct unit *input, struct err *e)
{
	const struct iso_md5 *was = sum_of(input), *is = sum_of(m->last);
	struct summing s = { .m = is };
	uint8_t sum[MD5_SIZE];
	bool right;

	if (!was || !is || !m->changed || m->plan.edits.n == 0 ||
	    is->end > m->last->src.size || !touches(&m->plan, is))
		return 0;
	s.digits = arena_array(m->arena, is->fragments.n + 1, uint8_t);
	if (sum_up(&s, &m->last->src, m->arena, e) != 0)
		return -1;
	md5_sum(&s.md5, sum);
	if (memcmp(sum, is->sum, sizeof(sum)) == 0)
		return 0;
	if (is_right(was, &input->src, m->arena, &right, e) != 0)
		return -1;
	if (!right)
		return 0;
	implant(m, is, sum, s.digits);
	drop_finding(m);
	return 0;
}
