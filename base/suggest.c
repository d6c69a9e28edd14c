/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <stddef.h>
#include <string.h>

#include "base/banned.h"

enum { WORD_MAX = 63 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3]
		    [WORD_MAX + 1]; /* row[i % 3]: the distances of a's first i letters */

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *above = row[(i - 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(above[j] + 1, now[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && row[(i - 2) % 3][j - 2] + 1 < now[j])
				now[j] = row[(i - 2) % 3][j - 2] + 1;
		}
	}
	return row[na % 3][nb];
}

void suggest(struct suggestion *s, const char *candidate)
{
	size_t n = strlen(s->word), m = strlen(candidate);
	unsigned near = n < 4 ? 1 : n < 8 ? 2 : 3, d;

	/* Each letter that one has more is a mistake. */
	if (n > WORD_MAX || m > WORD_MAX || n > m + near || m > n + near)
		return;
	d = distance(s->word, n, candidate, m);
	/* As many mistakes as letters would make any short word look like any other. */
	if (d > near || d >= m || (s->best && d >= s->distance))
		return;
	/* Two that are far from each other are two words: "wrong" is no "rng", and few mistake
	 * the first letter. */
	if (d > 1 && (3 * d > (n > m ? n : m) || s->word[0] != candidate[0]))
		return;
	s->best = candidate;
	s->distance = d;
}
