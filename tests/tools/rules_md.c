/* rules_md FOLDER: FOLDER/rules.md, an index, and a page of FOLDER/rules/ for each family of
 * pages.def, from the rows of rules/; what else is in FOLDER/rules goes. rules_md --ids: the
 * ids, one a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "rules/example.h"
#include "rules/rule.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct page {
	const char *file;  /* without .md */
	const char *title; /* its heading */
	const char *what;  /* a sentence */
	const char *words; /* of ids: what stands before the first '-' */
} pages[] = {
#define PAGE(file, title, what, words) { file, title, what, words },
#include "tests/tools/rules_md/pages.def"
#undef PAGE
};

enum { NPAGES = sizeof(pages) / sizeof(pages[0]) };

static bool page_has(const struct page *p, const struct rule *r)
{
	return str_among((struct str){ r->id, strcspn(r->id, "-") }, p->words);
}

/* Each rule is on one page. */
static void check_pages(void)
{
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		size_t n = 0;

		for (size_t i = 0; i < NPAGES; i++)
			n += page_has(&pages[i], r);
		if (n != 1)
			errx(1, "%s is on %zu pages of pages.def, expected 1", r->id, n);
	}
}

/* Text as Markdown shows it; what is in `code` is as it is. */
static void prose(FILE *out, const char *text, size_t n)
{
	bool code = false;

	for (const char *c = text; c < text + n; c++) {
		if (*c == '`')
			code = !code && memchr(c + 1, '`', n - (size_t)(c + 1 - text));
		else if (!code && strchr("\\<&*|", *c))
			fputc('\\', out);
		fputc(*c, out);
	}
}

static void sentence(FILE *out, const char *label, const char *text)
{
	if (!text)
		return;
	fprintf(out, "- **%s**: ", label);
	prose(out, text, strlen(text));
	fputc('\n', out);
}

/* In a fence that no line of theirs ends. */
static void fenced(FILE *out, const char *language, const char *lines)
{
	fprintf(out, "\n````%s\n%s````\n", language, lines);
}

static void example_print(FILE *out, const struct example *x)
{
	const char *line = x->near;

	fprintf(out, "\nAn example (corpus/%s/%s), at %s: ", x->rule, x->name, x->place);
	prose(out, x->found, strlen(x->found));
	fputc('\n', out);
	fenced(out, "", x->lines);
	if (x->fixed) {
		fprintf(out, "\nThe same, fixed:\n");
		fenced(out, "diff", x->fixed);
	}
	if (line)
		fprintf(out, "\nWhen not to worry; these look alike, and are right:\n\n");
	while (line && *line) {
		size_t n = strcspn(line, "\n");

		fputs("- ", out);
		prose(out, line, n);
		fputc('\n', out);
		line += n + (line[n] == '\n');
	}
}

static void rule_print(FILE *out, const struct rule *r)
{
	fprintf(out, "\n## %s\n\n", r->id);
	prose(out, r->title, strlen(r->title));
	fprintf(out, "\n\n- **severity**: %s\n", severity_name(r->severity));
	fprintf(out, "- **fix**: %s\n", fix_class_name(r->fix_class));
	sentence(out, "why", r->why);
	sentence(out, "what to do", r->steps);
	sentence(out, "source", r->source);
	sentence(out, "since", r->since);
	for (const struct example *x = examples; x->rule; x++) {
		if (strcmp(x->rule, r->id) == 0)
			example_print(out, x);
	}
}

/* Rows of the rules of p. In the index they have the anchors that the rules themselves had
 * there, before they got pages. */
static void table(FILE *out, const struct page *p, const char *path, bool is_index)
{
	fputs("\n| rule | severity | fix | |\n|---|---|---|---|\n", out);
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		if (!page_has(p, r))
			continue;
		fputs("| ", out);
		if (is_index)
			fprintf(out, "<a id=\"%s\"></a>", r->id);
		fprintf(out, "[%s](%s#%s) | %s | %s | ", r->id, path, r->id,
			severity_name(r->severity), fix_class_name(r->fix_class));
		prose(out, r->title, strlen(r->title));
		fputs(" |\n", out);
	}
}

static FILE *open_new(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		err(1, "%s", path);
	return f;
}

static void close_written(FILE *f, const char *path)
{
	bool failed = ferror(f);

	if (fclose(f) != 0 || failed)
		errx(1, "%s cannot be written", path);
}

static void index_write(void)
{
	FILE *out = open_new("rules.md");
	char path[256];

	fputs("# Rules\n\n"
	      "From the rows in `rules/` and the cases in `corpus/`: `make docs` writes this\n"
	      "and its pages. SPEC.md section 4 defines the severities and the classes of\n"
	      "fixes. `vmend explain ID` prints what a page says of a rule.\n\n"
	      "| family | |\n|---|---|\n",
	      out);
	for (const struct page *p = pages; p < pages + NPAGES; p++)
		fprintf(out, "| [%s](rules/%s.md) | %s |\n", p->title, p->file, p->what);
	for (const struct page *p = pages; p < pages + NPAGES; p++) {
		snprintf(path, sizeof(path), "rules/%s.md", p->file);
		fprintf(out, "\n## %s\n", p->title);
		table(out, p, path, true);
	}
	close_written(out, "rules.md");
}

static void page_write(const struct page *p)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "rules/%s.md", p->file);
	out = open_new(path);
	fprintf(out, "# %s\n\n%s [All rules](../rules.md).\n", p->title, p->what);
	table(out, p, "", false);
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		if (page_has(p, r))
			rule_print(out, r);
	}
	close_written(out, path);
}

static void remove_old(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;

	if (!d)
		err(1, "%s", folder);
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) != 0)
			err(1, "%s/%s", folder, e->d_name);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: rules_md FOLDER|--ids");
	if (strcmp(argv[1], "--ids") == 0) {
		for (const struct rule *r = rule_next(NULL); r; r = rule_next(r))
			puts(r->id);
		return ferror(stdout) || fflush(stdout) != 0;
	}
	check_pages();
	if (chdir(argv[1]) != 0)
		err(1, "%s", argv[1]);
	if (mkdir("rules", 0777) != 0 && errno != EEXIST)
		err(1, "%s/rules", argv[1]);
	remove_old("rules");
	index_write();
	for (size_t i = 0; i < NPAGES; i++)
		page_write(&pages[i]);
	return 0;
}
