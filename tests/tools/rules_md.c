/* rules_md: docs/rules.md from the rows of rules/. rules_md --ids: the ids, one a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/example.h"
#include "rules/rule.h"

#include <stdio.h>

static void sentence(const char *label, const char *text)
{
	if (text)
		printf("- **%s**: %s\n", label, text);
}

/* In a fence that no line of theirs ends. */
static void fenced(const char *language, const char *lines)
{
	printf("\n````%s\n%s````\n", language, lines);
}

static void example_print(const struct example *x)
{
	const char *line = x->near;

	printf("\nAn example (corpus/%s/%s), at %s: %s\n", x->rule, x->name, x->place,
	       x->found);
	fenced("", x->lines);
	if (x->fixed) {
		printf("\nThe same, fixed:\n");
		fenced("diff", x->fixed);
	}
	if (line)
		printf("\nWhen not to worry; these look alike, and are right:\n\n");
	while (line && *line) {
		int n = (int)strcspn(line, "\n");

		printf("- %.*s\n", n, line);
		line += n + (line[n] == '\n');
	}
}

static void rule_print(const struct rule *r)
{
	printf("\n## %s\n\n%s\n\n", r->id, r->title);
	printf("- **severity**: %s\n", severity_name(r->severity));
	printf("- **fix**: %s\n", fix_class_name(r->fix_class));
	sentence("why", r->why);
	sentence("what to do", r->steps);
	sentence("source", r->source);
	sentence("since", r->since);
	for (const struct example *x = examples; x->rule; x++) {
		if (strcmp(x->rule, r->id) == 0)
			example_print(x);
	}
}

int main(int argc, char **argv)
{
	const struct rule *r;

	if (argc == 2 && strcmp(argv[1], "--ids") == 0) {
		for (r = rule_next(NULL); r; r = rule_next(r))
			puts(r->id);
		return 0;
	}
	puts("# Rules\n");
	puts("Generated from the rows in `rules/` by `make docs`; SPEC.md section 4 defines");
	puts("the severities and the classes of fixes. `vmend explain ID` prints the same.\n");
	puts("| rule | severity | fix | |");
	puts("|---|---|---|---|");
	for (r = rule_next(NULL); r; r = rule_next(r))
		printf("| [%s](#%s) | %s | %s | %s |\n", r->id, r->id,
		       severity_name(r->severity), fix_class_name(r->fix_class),
		       r->title);
	for (r = rule_next(NULL); r; r = rule_next(r))
		rule_print(r);
	return ferror(stdout) || fflush(stdout) != 0;
}
