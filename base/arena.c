/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>

#include "base/banned.h"

struct arena_block {
	struct arena_block *next;
	size_t used, clean, size; /* bytes; from used to clean they are zero */
	alignas(max_align_t) uint8_t mem[];
};

/* Small enough for a tree of thousands of tiny files, large enough to make malloc rare. */
enum { BLOCK_SIZE = 16 << 10, CLEAN_STEP = 1 << 10, ALIGN = alignof(max_align_t) };

void arena_init(struct arena *a, size_t budget)
{
	*a = (struct arena){ .budget = budget };
}

void arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ .budget = a->budget, .block = a->block };
}

_Noreturn void out_of_memory(void)
{
	fputs("vmend: out of memory\n", stderr);
	exit(4);
}

/* NULL when malloc fails. A large block goes behind the head, whose rest stays in use. */
static struct arena_block *block_add(struct arena *a, size_t need)
{
	size_t block = a->block ? a->block : BLOCK_SIZE;
	size_t size = need > block / 4 ? need : block;
	struct arena_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->used = b->clean = 0;
	b->size = size;
	if (a->head && size == need) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

/* Zeroes what is handed out, and some of what follows: most pieces are too small for a call
 * each, and most blocks are never full. */
static void clean(struct arena_block *b)
{
	size_t n = b->size - b->clean, least = b->used - b->clean;

	if (n > CLEAN_STEP)
		n = least > CLEAN_STEP ? least : CLEAN_STEP;
	memset(b->mem + b->clean, 0, n);
	b->clean += n;
}

static void *take(struct arena *a, size_t bytes)
{
	struct arena_block *b = a->head;
	void *p;

	if (bytes > SIZE_MAX - ALIGN)
		return NULL;
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!b || bytes > b->size - b->used) {
		b = block_add(a, bytes);
		if (!b)
			return NULL;
	}
	p = b->mem + b->used;
	b->used += bytes;
	a->used += bytes;
	if (b->used > b->clean)
		clean(b);
	return p;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	BUG_ON(__builtin_mul_overflow(n, size, &bytes));
	p = take(a, bytes);
	if (!p)
		out_of_memory();
	return p;
}

void *arena_try(struct arena *a, uint64_t n, size_t size)
{
	uint64_t total;
	size_t bytes;

	if (!u64_mul(n, size, &total) || !u64_to_size(total, &bytes))
		return NULL;
	if (a->used > a->budget || bytes > a->budget - a->used)
		return NULL;
	return take(a, bytes);
}

char *arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1, 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

struct view arena_copy(struct arena *a, struct view v)
{
	uint8_t *p = arena_alloc(a, v.n + 1, 1);

	if (v.n)
		memcpy(p, v.p, v.n);
	return (struct view){ .p = p, .n = v.n };
}

struct view arena_copy_once(struct arena *a, struct view v, struct view last)
{
	if (last.p && last.n == v.n && view_eq(last, 0, v.p, v.n))
		return last;
	return arena_copy(a, v);
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char line[256]; /* of most texts all of it: they are formatted once */
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(line, sizeof(line), fmt, again);
	va_end(again);
	BUG_ON(n < 0);
	p = arena_alloc(a, (size_t)n + 1, 1);
	if ((size_t)n < sizeof(line))
		memcpy(p, line, (size_t)n);
	else
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}
