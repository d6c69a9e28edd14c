/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"
#include "base/banned.h"

void *vec_grow(void *v, size_t n, size_t *cap, size_t size, struct arena *a)
{
	size_t more;
	void *p;

	if (n < *cap)
		return v;
	more = *cap ? *cap * 2 : 8;
	p = arena_alloc(a, more, size);
	if (n)
		memcpy(p, v, n * size);
	*cap = more;
	return p;
}

/* Merge sort: qsort() is not stable, and what we sort is short. */
struct sort {
	size_t size;
	int (*cmp)(const void *, const void *);
	uint8_t *tmp; /* room for half of all */
};

static void merge_sort(const struct sort *s, uint8_t *base, size_t n)
{
	size_t half = n / 2, size = s->size;
	uint8_t *left = s->tmp, *right = base + half * size, *end = base + n * size;
	const uint8_t *left_end = left + half * size;

	if (n < 2)
		return;
	merge_sort(s, base, half);
	merge_sort(s, right, n - half);
	/* Much is in order when it comes. */
	if (s->cmp(right, right - size) >= 0)
		return;
	memcpy(left, base, half * size);
	while (left < left_end) {
		if (right < end && s->cmp(right, left) < 0) {
			memcpy(base, right, size);
			right += size;
		} else {
			memcpy(base, left, size);
			left += size;
		}
		base += size;
	}
}

void sort_stable(void *v, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	struct sort s = { .size = size, .cmp = cmp };

	if (n < 2)
		return;
	s.tmp = malloc(n / 2 * size);
	if (!s.tmp)
		out_of_memory();
	merge_sort(&s, v, n);
	free(s.tmp);
}

size_t sorted_find(const void *v, size_t n, size_t size, const void *key,
		   int (*cmp)(const void *elem, const void *key))
{
	const uint8_t *base = v;
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(base + mid * size, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
