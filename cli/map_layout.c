/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_layout.h"
#include "base/banned.h"

/* What lies between two neighbouring bounds of ranges, or many such. */
struct stretch {
	uint64_t off, end;
	uint64_t weight; /* its length, scaled; 0: as wide as min */
	unsigned min, need;
	unsigned col, cols;
	bool crowd;
	bool fixed; /* it is as wide as min, whatever its weight */
};

struct layer {
	const struct map *m;
	const struct map_grid *g;
	struct arena *a;
	struct stretch *s;
	size_t n;
	unsigned shift; /* of weights */
};

/* ---- lanes ---- */

struct order {
	const struct map_range *r;
	size_t i;
	unsigned lane;
};

static int by_rank(const void *va, const void *vb)
{
	const struct map_range *a = ((const struct order *)va)->r;
	const struct map_range *b = ((const struct order *)vb)->r;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return 0;
}

static bool overlap(const struct map_range *a, const struct map_range *b)
{
	return a->off < b->end && b->off < a->end && a->off < a->end && b->off < b->end;
}

/* From the last back: neighbours come one after the other. */
static bool lane_is_free(const struct order *v, size_t n, unsigned lane,
			 const struct map_range *r)
{
	for (size_t k = n; k-- > 0;) {
		const struct map_range *o = v[k].r;
		bool above = r->inner && o->kind == MAP_CONTAINER && lane < v[k].lane;

		if ((v[k].lane == lane || above) && overlap(o, r))
			return false;
	}
	return true;
}

static void assign_lanes(const struct layer *l, struct map_box *box)
{
	size_t n = l->m->v.n;
	struct order *v = arena_array(l->a, n, struct order);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct order){ .r = &l->m->v.v[i], .i = i };
	sort_stable(v, n, sizeof(*v), by_rank);
	for (size_t i = 0; i < n; i++) {
		if (v[i].r->off >= v[i].r->end)
			continue;
		while (v[i].lane < MAP_LANES_MAX &&
		       !lane_is_free(v, i, v[i].lane, v[i].r))
			v[i].lane++;
		box[v[i].i].lane = v[i].lane;
	}
}

/* ---- stretches ---- */

static int by_value(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static void cut(struct layer *l)
{
	const struct map *m = l->m;
	uint64_t *at = arena_array(l->a, 2 * m->v.n + 2, uint64_t);
	size_t n = 0;

	at[n++] = 0;
	at[n++] = m->size;
	for (size_t i = 0; i < m->v.n; i++) {
		if (m->v.v[i].off >= m->v.v[i].end)
			continue;
		at[n++] = m->v.v[i].off;
		at[n++] = m->v.v[i].end;
	}
	sort_stable(at, n, sizeof(*at), by_value);
	l->s = arena_array(l->a, n, struct stretch);
	for (size_t i = 0; i + 1 < n; i++) {
		if (at[i] < at[i + 1])
			l->s[l->n++] = (struct stretch){ .off = at[i], .end = at[i + 1] };
	}
}

static uint64_t length(const struct stretch *s)
{
	return s->end - s->off;
}

static bool is_past(const struct layer *l, const struct stretch *s)
{
	return s->off >= l->m->size;
}

/* The stretch that begins at off; n when none does. */
static size_t stretch_at(const struct layer *l, uint64_t off)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->s[mid].end <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t sum_of_mins(const struct layer *l, bool needs)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += needs ? l->s[i].need : l->s[i].min;
	return sum;
}

/* ---- crowds ---- */

static bool is_small(const struct layer *l, const struct stretch *s, uint64_t below)
{
	return !is_past(l, s) && length(s) < below;
}

/* Stretches that are left when runs of those shorter than `below` are one each. */
static size_t count_crowded(const struct layer *l, uint64_t below)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (i == 0 || !is_small(l, &l->s[i], below) ||
		    !is_small(l, &l->s[i - 1], below))
			n++;
	}
	return n;
}

/* The least length that leaves no more than `most`; the more is crowded, the fewer remain. */
static uint64_t crowd_below(const struct layer *l, size_t most)
{
	uint64_t lo = 0, hi = UINT64_MAX;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (count_crowded(l, mid) <= most)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void crowd(struct layer *l, size_t most)
{
	uint64_t below = crowd_below(l, most);
	bool joins = false; /* the one before is small as well */
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		bool small = is_small(l, &l->s[i], below);

		if (small && joins) {
			l->s[n - 1].end = l->s[i].end;
			l->s[n - 1].crowd = true;
		} else {
			l->s[n++] = l->s[i];
		}
		joins = small;
	}
	l->n = n;
}

/* What lies past the end, in a drawing without room, is all one. */
static void crowd_past(struct layer *l)
{
	size_t first = stretch_at(l, l->m->size);

	if (l->n - first < 2)
		return;
	l->s[first].end = l->s[l->n - 1].end;
	l->s[first].crowd = true;
	l->n = first + 1;
}

/* ---- widths ---- */

static void set_mins(struct layer *l)
{
	const struct map_grid *g = l->g;

	for (size_t i = 0; i < l->n; i++) {
		l->s[i].min = is_past(l, &l->s[i]) && g->past > g->min ? g->past : g->min;
		l->s[i].need = l->s[i].min;
	}
	for (size_t i = 0; i < l->m->v.n; i++) {
		const struct map_range *r = &l->m->v.v[i];
		size_t k = stretch_at(l, r->off), chars = strlen(r->key);
		uint64_t need;

		if (k == l->n || chars == 0 || l->s[k].off != r->off ||
		    l->s[k].end != r->end)
			continue;
		need = g->min + (chars - 1) * (uint64_t)g->per_char;
		l->s[k].need = (unsigned)u64_min(u64_max(need, l->s[k].need), g->cols);
	}
}

/* As many columns as there are for all: keys in full, or the least for each, or crowds. */
static void fit(struct layer *l)
{
	unsigned past;

	set_mins(l);
	if (sum_of_mins(l, true) <= l->g->cols) {
		for (size_t i = 0; i < l->n; i++)
			l->s[i].min = l->s[i].need;
		return;
	}
	if (sum_of_mins(l, false) <= l->g->cols)
		return;
	crowd_past(l);
	set_mins(l);
	if (sum_of_mins(l, false) <= l->g->cols)
		return;
	past = is_past(l, &l->s[l->n - 1]) ? l->s[l->n - 1].min : 0;
	crowd(l, (l->g->cols - past) / l->g->min + (past != 0));
	set_mins(l);
}

static void weigh(struct layer *l)
{
	uint64_t size = l->m->size;

	/* So that weights times columns stay below 2^63. */
	while (size >> l->shift >= (uint64_t)1 << 48)
		l->shift++;
	for (size_t i = 0; i < l->n; i++)
		l->s[i].weight = is_past(l, &l->s[i]) ? 0 : length(&l->s[i]) >> l->shift;
}

/* Columns and weight that are left for the stretches which are not fixed. */
static void left_over(const struct layer *l, uint64_t *cols, uint64_t *weight)
{
	*cols = l->g->cols;
	*weight = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->s[i].fixed)
			*cols -= l->s[i].min;
		else
			*weight += l->s[i].weight;
	}
}

/* Those that would be narrower than they may be get what they need; the others share the
 * rest, which is then less, and may be too little for some more of them. */
static void fix_small(struct layer *l, uint64_t *cols, uint64_t *weight)
{
	bool again = true;

	while (again) {
		again = false;
		left_over(l, cols, weight);
		for (size_t i = 0; i < l->n; i++) {
			struct stretch *s = &l->s[i];

			if (s->fixed ||
			    (s->weight && s->weight * *cols >= s->min * *weight))
				continue;
			s->fixed = true;
			again = true;
		}
	}
}

static void share(struct layer *l)
{
	uint64_t cols, weight, before = 0;
	unsigned col = 0;

	fix_small(l, &cols, &weight);
	for (size_t i = 0; i < l->n; i++) {
		struct stretch *s = &l->s[i];

		s->col = col;
		if (s->fixed) {
			s->cols = s->min;
		} else {
			s->cols = (unsigned)((before + s->weight) * cols / weight -
					     before * cols / weight);
			before += s->weight;
		}
		col += s->cols;
	}
	/* All of them are as narrow as can be: what is left goes to the largest. */
	if (weight == 0 && l->n && col < l->g->cols) {
		size_t k = 0;

		for (size_t i = 1; i < l->n; i++) {
			if (l->s[i].weight > l->s[k].weight)
				k = i;
		}
		l->s[k].cols += l->g->cols - col;
		for (size_t i = k + 1; i < l->n; i++)
			l->s[i].col += l->g->cols - col;
	}
}

/* ---- boxes ---- */

/* Within a crowd a range has no bounds of its own: it begins behind it, or ends before. */
static void place(const struct layer *l, const struct map_range *r, struct map_box *b)
{
	size_t first = stretch_at(l, r->off), last;
	unsigned end;

	if (r->off >= r->end || b->lane >= MAP_LANES_MAX || first == l->n)
		return;
	last = stretch_at(l, r->end - 1);
	if (l->s[first].crowd)
		first++;
	if (l->s[last].crowd) {
		if (last == 0)
			return;
		last--;
	}
	if (first > last)
		return;
	b->col = l->s[first].col;
	end = l->s[last].col + l->s[last].cols;
	b->cols = end - b->col;
}

static void place_crowds(const struct layer *l, struct map_layout *out)
{
	const struct map *m = l->m;
	struct map_crowd *at = arena_array(l->a, l->n, struct map_crowd);

	for (size_t i = 0; i < m->v.n; i++) {
		const struct map_range *r = &m->v.v[i];
		size_t k = stretch_at(l, r->off);

		if (out->box[i].cols || r->off >= r->end || k == l->n || !l->s[k].crowd)
			continue;
		if (at[k].n++ == 0 || out->box[i].lane < at[k].lane)
			at[k].lane = out->box[i].lane;
	}
	for (size_t k = 0; k < l->n; k++) {
		if (at[k].n == 0 || at[k].lane >= MAP_LANES_MAX)
			continue;
		at[k].col = l->s[k].col;
		at[k].cols = l->s[k].cols;
		*vec_add(&out->crowds, l->a) = at[k];
	}
}

static void use_lanes(struct map_layout *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (out->box[i].cols && out->box[i].lane >= out->lanes)
			out->lanes = out->box[i].lane + 1;
	}
	for (size_t i = 0; i < out->crowds.n; i++) {
		if (out->crowds.v[i].lane >= out->lanes)
			out->lanes = out->crowds.v[i].lane + 1;
	}
}

/* Within a column of what it should be, or a tenth. */
static bool is_to_scale(const struct layer *l, const struct map_box *b,
			const struct map_range *r, uint64_t per_col)
{
	uint64_t end = u64_min(r->end, l->m->size), len = end - r->off, cols = b->cols;
	uint64_t slack = u64_max(1, cols / 10);

	if (per_col == 0 || r->end > l->m->size)
		return false;
	return len / per_col + 1 + slack > cols && len / per_col <= cols + slack;
}

static void sum_up(const struct layer *l, struct map_layout *out)
{
	uint64_t len = 0;
	unsigned cols = 0;

	out->to_scale = true;
	for (size_t i = 0; i < l->n; i++) {
		const struct stretch *s = &l->s[i];

		out->cols += s->cols;
		if (!is_past(l, s))
			out->end = s->col + s->cols;
		if (!s->fixed) {
			len += length(s);
			cols += s->cols;
		}
	}
	if (cols)
		out->per_col = len / cols;
	for (size_t i = 0; i < l->m->v.n; i++) {
		struct map_box *b = &out->box[i];

		b->to_scale = b->cols && is_to_scale(l, b, &l->m->v.v[i], out->per_col);
		out->to_scale &= b->cols == 0 || b->to_scale;
	}
	out->to_scale &= out->crowds.n == 0;
}

void map_lay(struct map_layout *out, const struct map *m, const struct map_grid *g,
	     struct arena *a)
{
	struct layer l = { .m = m, .g = g, .a = a };

	BUG_ON(g->min == 0 || g->cols > MAP_COLS_MAX || g->cols / 2 < g->min ||
	       g->cols / 2 < g->past);
	*out = (struct map_layout){ .box = arena_array(a, m->v.n + 1, struct map_box) };
	assign_lanes(&l, out->box);
	cut(&l);
	fit(&l);
	weigh(&l);
	share(&l);
	for (size_t i = 0; i < m->v.n; i++)
		place(&l, &m->v.v[i], &out->box[i]);
	place_crowds(&l, out);
	use_lanes(out, m->v.n);
	sum_up(&l, out);
}
