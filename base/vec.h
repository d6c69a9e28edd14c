/* A growable array in an arena:
 *
 *     VEC(struct edit) edits = { 0 };
 *     struct edit *e = vec_add(&edits, arena);      zeroed, valid until the next vec_add
 *     vec_sort(&edits, edit_cmp);
 *
 * Old blocks stay in the arena until it is freed: total memory is at most twice the
 * largest size.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/arena.h"

#include <stdlib.h>

#define VEC(T)                                                                           \
	struct {                                                                         \
		T *v;                                                                    \
		size_t n, cap;                                                           \
	}

void *vec_grow(void *v, size_t n, size_t *cap, size_t size, struct arena *a);

#define vec_add(vec, a)                                                                  \
	((vec)->v = vec_grow((vec)->v, (vec)->n, &(vec)->cap, sizeof(*(vec)->v), (a)),   \
	 &(vec)->v[(vec)->n++])

/* Stable, so that equal elements keep the order in which they were found. */
void sort_stable(void *v, size_t n, size_t size, int (*cmp)(const void *, const void *));
#define vec_sort(vec, cmp) sort_stable((vec)->v, (vec)->n, sizeof(*(vec)->v), (cmp))

/* Index of the first element that is not less than key (n when all are), for a sorted
 * vec: cmp(element, key) as in bsearch but with the element first. */
size_t sorted_find(const void *v, size_t n, size_t size, const void *key,
		   int (*cmp)(const void *elem, const void *key));
#define vec_find(vec, key, cmp)                                                          \
	sorted_find((vec)->v, (vec)->n, sizeof(*(vec)->v), (key), (cmp))

#endif
