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

/* Or more than `most`, as soon as that is certain: a swap looks two rows back, so two rows
 * without a way that is short enough end it. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb,
			 unsigned most)
{
	unsigned row[3]
		    [WORD_MAX + 1]; /* row[i % 3]: the distances of a's first i letters */
	unsigned least = 0, before;

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *above = row[(i - 1) % 3];

		before = least;
		now[0] = least = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(above[j] + 1, now[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && row[(i - 2) % 3][j - 2] + 1 < now[j])
				now[j] = row[(i - 2) % 3][j - 2] + 1;
			if (now[j] < least)
				least = now[j];
		}
		if (least > most && before > most)
			return most + 1;
	}
	return row[na % 3][nb];
}

/* As many mistakes as are still a typing mistake. */
static unsigned mistakes(const char *word, size_t n, const char *candidate, size_t m)
{
	unsigned most = n < 4 ? 1 : n < 8 ? 2 : 3;
	size_t third = (n > m ? n : m) / 3;

	/* Two that are far from each other are two words: "wrong" is no "rng", and few mistake
	 * the first letter. */
	if (most > third)
		most = third ? (unsigned)third : 1;
	if (word[0] != candidate[0])
		most = 1;
	/* As many as letters would make any short word look like any other. */
	return most < m ? most : (unsigned)m - 1;
}

void suggest(struct suggestion *s, const char *candidate)
{
	size_t n = strlen(s->word), m = strlen(candidate);
	unsigned most, d;

	if (n > WORD_MAX || m > WORD_MAX || m == 0 || (s->best && s->distance == 0))
		return;
	most = mistakes(s->word, n, candidate, m);
	if (s->best && most >= s->distance)
		most = s->distance - 1;
	/* Each letter that one has more is a mistake. */
	if (n > m + most || m > n + most)
		return;
	d = distance(s->word, n, candidate, m, most);
	if (d > most)
		return;
	s->best = candidate;
	s->distance = d;
}
