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
void sort_stable(void *v, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	uint8_t *base = v, *tmp, *left, *right, *end;
	size_t half = n / 2;

	if (n < 2)
		return;
	sort_stable(base, half, size, cmp);
	sort_stable(base + half * size, n - half, size, cmp);
	tmp = malloc(half * size);
	if (!tmp)
		out_of_memory();
	memcpy(tmp, base, half * size);
	left = tmp;
	right = base + half * size;
	end = base + n * size;
	while (left < tmp + half * size) {
		if (right < end && cmp(right, left) < 0) {
			memcpy(base, right, size);
			right += size;
		} else {
			memcpy(base, left, size);
			left += size;
		}
		base += size;
	}
	free(tmp);
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
