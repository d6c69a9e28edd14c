/* The sum that implantisomd5 leaves in an image: isomd5sum 1.2.3. It is of all bytes but for
 * the last sectors, with blanks in place of the area where it is itself. Of its fragments'
 * sums each is a few digits of the sum so far.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/host.h"
#include "analyze/image/iso_read.h"
#include "analyze/unit.h"
#include "base/md5.h"
#include "base/banned.h"

enum {
	STEP = 32 << 10, /* after each of which it is asked whether a fragment is over */
	READ = 1 << 20,
	DIGITS = 2 * MD5_SIZE,
	FRAGMENT_DIGITS = 60,
};

/* ---- what it says ---- */

/* What follows a key, up to the semicolon. */
static bool value_of(struct str text, const char *key, struct str *out)
{
	size_t n = strlen(key);

	for (size_t i = 0; i + n <= text.n; i++) {
		const char *end;

		if (memcmp(text.p + i, key, n) != 0)
			continue;
		*out = (struct str){ text.p + i + n, text.n - i - n };
		end = memchr(out->p, ';', out->n);
		if (end)
			out->n = (size_t)(end - out->p);
		return end != NULL;
	}
	return false;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_sum(struct str s, uint8_t out[MD5_SIZE])
{
	if (s.n != DIGITS)
		return false;
	for (size_t i = 0; i < MD5_SIZE; i++) {
		int high = digit(s.p[2 * i]), low = digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_fragments(struct iso_md5 *m, struct str text)
{
	uint64_t n;
	struct str s;

	if (!value_of(text, "FRAGMENT COUNT = ", &s) || !str_u64(s, &n) || n == 0 ||
	    n > ISO_FRAGMENTS_MAX || !value_of(text, "FRAGMENT SUMS = ", &s) ||
	    s.n != FRAGMENT_DIGITS / n * n)
		return;
	m->nfragments = (unsigned)n;
	m->fragments = s;
}

void iso_md5_find(struct iso_reader *r)
{
	const struct iso_volume *v = r->iso->primary;
	struct iso_md5 *m = &r->iso->md5;
	struct str text = str_view(view_cut(v->raw, ISO_VD_APP_USE, ISO_VD_APP_USE_SIZE));
	struct str s;

	if (!value_of(text, "ISO MD5SUM = ", &s))
		return;
	m->at = look_span(&r->look, v->at.off + ISO_VD_APP_USE, ISO_VD_APP_USE_SIZE);
	m->readable = read_sum(s, m->sum) && value_of(text, "SKIPSECTORS = ", &s) &&
		      str_u64(s, &m->skip) && m->skip < v->space.be.v;
	if (!m->readable)
		return;
	/* It goes by the half that nobody else reads. */
	m->end = (v->space.be.v - m->skip) * ISO_SECTOR;
	read_fragments(m, text);
}

/* ---- what is there ---- */

struct summing {
	struct iso_md5 *m;
	struct md5 md5;
	unsigned fragment; /* that is over */
	uint64_t off;      /* of the next byte, */
	uint64_t good;     /* and up to where all fragments were right */
};

static void check_fragment(struct summing *s, unsigned now)
{
	struct iso_md5 *m = s->m;
	size_t each = m->fragments.n / m->nfragments;
	uint8_t sum[MD5_SIZE];

	s->fragment = now;
	if (now > m->nfragments || m->changed.len)
		return;
	md5_sum(&s->md5, sum);
	for (size_t i = 0; i < each && i < MD5_SIZE; i++) {
		/* Its first digit without leading zeros. */
		int have = sum[i] >= 16 ? sum[i] >> 4 : sum[i];

		if (digit(m->fragments.p[(now - 1) * each + i]) != have) {
			m->changed =
				(struct span){ m->at.src, s->good, s->off - s->good };
			return;
		}
	}
	s->good = s->off;
}

static void add_step(struct summing *s, uint8_t *p, size_t n)
{
	uint64_t from = u64_max(s->m->at.off, s->off);
	uint64_t to = u64_min(span_end(s->m->at), s->off + n), was = s->off;
	unsigned now;

	if (from < to)
		memset(p + (from - s->off), ' ', (size_t)(to - from));
	md5_add(&s->md5, (struct view){ p, n });
	s->off += n;
	if (s->m->nfragments == 0)
		return;
	now = (unsigned)(was * (s->m->nfragments + 1) / s->m->end);
	if (now != s->fragment)
		check_fragment(s, now);
}

int iso_md5_check(struct iso_reader *r, struct err *e)
{
	const struct deep_watch *watch = r->img->unit->host->deep;
	struct iso_md5 *m = &r->iso->md5;
	struct summing s = { .m = m };
	uint8_t *p = arena_array(r->a, READ, uint8_t);

	if (m->end > r->img->size) {
		m->why = "not all of what it is of is there";
		return 0;
	}
	md5_init(&s.md5);
	while (s.off < m->end) {
		uint64_t off = s.off;
		size_t n = (size_t)u64_min(READ, m->end - off);

		if (watch->go_on &&
		    !watch->go_on(watch->ctx, r->img->src->path, off, m->end)) {
			m->why = "it was stopped";
			m->stopped = true;
			m->done = off;
			return 0;
		}
		if (source_read(r->img->src, off, p, n, e) != 0)
			return -1;
		for (size_t at = 0; at < n; at += STEP)
			add_step(&s, p + at, (size_t)u64_min(STEP, n - at));
	}
	if (watch->go_on)
		watch->go_on(watch->ctx, r->img->src->path, m->end, m->end);
	md5_sum(&s.md5, m->actual);
	m->checked = true;
	/* The fragments end before the image does. */
	if (m->nfragments && !m->changed.len && !iso_md5_right(m))
		m->changed = (struct span){ m->at.src, s.good, m->end - s.good };
	return 0;
}
