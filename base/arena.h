/* Memory that lives and dies with its owner: one arena per unit, freed at once.
 *
 * Two doors, by who chose the size. arena_new() and arena_array() are for sizes that our
 * code chose: they never return NULL, and end the program when memory is gone.
 * arena_try() and arena_try_array() are for sizes that an input chose: they say no (NULL)
 * past the arena's budget. Everything is zeroed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"
#include "base/view.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used;   /* bytes handed out through either door */
	size_t budget; /* what arena_try() may bring `used` up to */
	size_t block;  /* bytes that are asked of the system at once; 0: for a unit */
};

enum { ARENA_BUDGET = 40 << 20 }; /* per unit; keeps any input under 64 MiB */

/* The answer to memory that is gone when its size was ours: says so, exit code 4. */
_Noreturn void out_of_memory(void);

void arena_init(struct arena *a, size_t budget);
void arena_free(struct arena *a);

void *arena_alloc(struct arena *a, size_t n, size_t size)
	__attribute__((returns_nonnull, warn_unused_result));
void *arena_try(struct arena *a, uint64_t n, size_t size)
	__attribute__((warn_unused_result));

#define arena_new(a, T)          ((T *)arena_alloc((a), 1, sizeof(T)))
#define arena_array(a, n, T)     ((T *)arena_alloc((a), (n), sizeof(T)))
#define arena_try_new(a, T)      ((T *)arena_try((a), 1, sizeof(T)))
#define arena_try_array(a, n, T) ((T *)arena_try((a), (n), sizeof(T)))

/* Copies; the result is NUL-terminated in all three. */
char *arena_str(struct arena *a, struct str s) __attribute__((returns_nonnull));
struct view arena_copy(struct arena *a, struct view v);
/* Likewise, or `last`, which is a's, when that says the same. */
struct view arena_copy_once(struct arena *a, struct view v, struct view last);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), returns_nonnull));

#endif
