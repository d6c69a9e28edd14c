/* vmend show-config: which policy counts for a file, each of its settings, and where it stands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/term.h"
#include "rules/rule.h"
#include "base/banned.h"

const char *const policy_here[] = { "./" };

/* One of the same name. */
static bool has_later(const struct policy *p, const struct setting *s)
{
	for (size_t i = p->settings.n; &p->settings.v[--i] != s;) {
		const struct setting *o = &p->settings.v[i];

		if (o->kind == s->kind && strcmp(o->name, s->name) == 0)
			return true;
	}
	return false;
}

/* A later one answers the same question: what is there cannot be seen. */
static bool is_overruled(const struct policy *p, const struct setting *s,
			 const char *path)
{
	switch (s->kind) {
	case SETTING_SEVERITY:
	case SETTING_FIX:
	case SETTING_FAIL_ON:
	case SETTING_SECTOR_SIZE:
	case SETTING_REASONS:
		return policy_setting(p, s->kind, s->rule, path) != s;
	case SETTING_MAP:
	case SETTING_TARGET:
	case SETTING_NETWORK:
	case SETTING_VAR:
		return has_later(p, s);
	case SETTING_SELECT:
	case SETTING_IGNORE:
	case SETTING_UNSUPPRESSABLE:
	case SETTING_ROOT:
	case SETTING_VAR_FILE:
	case SETTING_TEAM:
		break;
	}
	return false;
}

static void setting_line(struct buf *out, const struct setting *s)
{
	buf_printf(out, "  %s", s->key);
	if (s->rule)
		buf_printf(out, " %s", s->rule->id);
	if (s->name) {
		buf_char(out, ' ');
		buf_safe(out, str_of(s->name));
	}
	if (s->word) {
		buf_add(out, s->rule || s->name ? STR(": ") : STR(" "));
		buf_safe(out, str_of(s->word));
	}
	buf_add(out, STR("    "));
	buf_safe(out, str_of(s->path));
	buf_printf(out, ":%llu\n", (unsigned long long)s->line);
}

static void show(struct buf *out, const struct policy *p, const char *path)
{
	buf_safe(out, str_of(path));
	if (!p) {
		buf_add(out, STR(": no policy\n"));
		return;
	}
	buf_add(out, STR(": "));
	buf_safe(out, str_of(p->path));
	buf_char(out, '\n');
	for (size_t i = 0; i < p->settings.n; i++) {
		const struct setting *s = &p->settings.v[i];

		if (setting_is_about(s, path) && !is_overruled(p, s, path))
			setting_line(out, s);
	}
}

int policies_of(struct policies *all, const struct options *o, const char *const *paths,
		size_t n, struct policy **out, struct arena *a, struct err *e)
{
	struct host *host = arena_new(a, struct host);

	*all = (struct policies){ .arena = a, .o = o, .host = host };
	if (read_host(host, o, a, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (policy_of(all, paths[i], &out[i], e) != 0)
			return -1;
	}
	return 0;
}

enum exit_code cmd_show_config(const struct options *o, struct err *e)
{
	const char *const *paths = o->args.n ? o->args.v : policy_here;
	size_t n = o->args.n ? o->args.n : 1;
	struct buf out = { 0 };
	struct policies all;
	struct policy **v;
	struct arena a;
	int rc;

	arena_init(&a, ARENA_BUDGET);
	v = arena_array(&a, n, struct policy *);
	rc = policies_of(&all, o, paths, n, v, &a, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		show(&out, v[i], paths[i]);
	arena_free(&a);
	if (rc == 0)
		return print(&out, e) == 0 ? EXIT_CLEAN : EXIT_INTERNAL;
	return e->code == ERR_USAGE ? EXIT_USAGE : EXIT_INTERNAL;
}
