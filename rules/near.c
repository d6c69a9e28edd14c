/* "Did you mean", and the words that may be meant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/near.h"
#include "rules/rule.h"

#include "base/banned.h"

struct nearest near_to(struct str text)
{
	struct nearest n = { .word = STR("") };

	if (text.n >= 3 && text.n < NEAR_WORD_MAX)
		memcpy(n.text, text.p, text.n);
	return n;
}

void near_look(struct nearest *n, const char *words)
{
	struct str rest = str_of(words);
	char word[NEAR_WORD_MAX];

	n->best.word = n->text;
	while (rest.n && n->text[0]) {
		struct str one = str_word(&rest);

		if (one.n >= NEAR_WORD_MAX)
			continue;
		memcpy(word, one.p, one.n);
		word[one.n] = '\0';
		suggest(&n->best, word);
		if (n->best.best != word)
			continue;
		n->word = one;
		n->best.best = n->text; /* some word, which outlives this one */
	}
}

struct str near_word(const struct nearest *n, unsigned distance)
{
	return n->best.best && n->best.distance <= distance ? n->word : STR("");
}

struct str near_among(struct str text, const char *words)
{
	struct nearest n = near_to(text);

	near_look(&n, words);
	return n.best.best ? n.word : STR("");
}

/* The longest list of any table fits. */
const char *near_list(struct scan *s, const char *words)
{
	char list[1024];
	size_t n = 0;

	for (const char *c = words; *c && n + 2 < sizeof(list); c++) {
		if (*c == ' ')
			list[n++] = ',';
		list[n++] = *c;
	}
	return scan_printf(s, "%.*s", (int)n, list);
}
