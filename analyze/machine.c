/* QEMU's machine types: machines.def, and how long a versioned one lives.
 * QEMU, include/hw/boards.h (MACHINE_VER_DEPRECATION, MACHINE_VER_DELETION).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/machine.h"
#include "base/banned.h"

enum row_kind { ROW_NAMES, ROW_VERSIONS, ROW_PREFIX };

struct row {
	enum row_kind kind;
	enum machine_family family;
	const char *arches, *name, *first;
};

static const struct row rows[] = {
#define MACHINE(family, arches, names) { ROW_NAMES, (family), (arches), (names), NULL },
#define MACHINE_VERSIONS(family, arches, name, first)                                    \
	{ ROW_VERSIONS, (family), (arches), (name), (first) },
#define MACHINE_PREFIX(family, arches, name)                                             \
	{ ROW_PREFIX, (family), (arches), (name), NULL },
#define MACHINE_GONE(names, removed, instead)
#include "analyze/machines.def"
#undef MACHINE
#undef MACHINE_VERSIONS
#undef MACHINE_PREFIX
#undef MACHINE_GONE
};

struct gone {
	const char *names, *removed, *instead;
};

static const struct gone gone[] = {
#define MACHINE(family, arches, names)
#define MACHINE_VERSIONS(family, arches, name, first)
#define MACHINE_PREFIX(family, arches, name)
#define MACHINE_GONE(names, removed, instead) { (names), (removed), (instead) },
#include "analyze/machines.def"
#undef MACHINE
#undef MACHINE_VERSIONS
#undef MACHINE_PREFIX
#undef MACHINE_GONE
};

static struct version version_of(const char *text)
{
	struct version v = { .known = false };

	(void)version_parse(str_of(text), &v);
	return v;
}

static struct version numbered(uint32_t major, uint32_t minor)
{
	return (struct version){ .known = true, .part = { major, minor, 0 } };
}

/* Two numbers, or three: 7.2, 4.0.1. */
static bool is_version(struct str s, struct version *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	}
	return memchr(s.p, '.', s.n) && version_parse(s, out);
}

/* From 9.1 on QEMU warns of types that are three years old, and from 10.1 on it does not
 * have those of six years. It numbers its versions by the year. */
static void count_years(struct machine *m)
{
	const struct version *v = &m->version;

	m->since = *v;
	m->deprecated = numbered(v->part[0] + 3, v->part[1]);
	if (version_cmp(&m->deprecated, 9, 1, 0) < 0)
		m->deprecated = numbered(9, 1);
	m->removed = numbered(v->part[0] + 6, v->part[1]);
	if (version_cmp(&m->removed, 10, 1, 0) < 0)
		m->removed = numbered(10, 1);
}

static bool row_matches(const struct row *r, struct str machine, struct machine *m)
{
	struct version first = version_of(r->first ? r->first : "");
	struct str rest;

	*m = (struct machine){ .family = r->family, .arches = r->arches };
	if (r->kind == ROW_NAMES)
		return str_among(machine, r->name);
	if (!str_starts(machine, r->name))
		return false;
	rest = (struct str){ machine.p + strlen(r->name), machine.n - strlen(r->name) };
	/* What begins with a digit would be a version of QEMU itself. */
	if (r->kind == ROW_PREFIX)
		return !str_ends(str_of(r->name), "-") ||
		       (rest.n > 0 && (rest.p[0] < '0' || rest.p[0] > '9'));
	if (!is_version(rest, &m->version) ||
	    version_cmp(&m->version, first.part[0], first.part[1], 0) < 0)
		return false;
	count_years(m);
	return true;
}

static bool find_row(struct str arch, struct str machine, struct machine *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((arch.n == 0 || str_among(arch, rows[i].arches)) &&
		    row_matches(&rows[i], machine, out))
			return true;
	}
	return false;
}

bool machine_find(struct str arch, struct str machine, struct machine *out)
{
	bool found = find_row(arch, machine, out);
	struct machine other;

	if (!found)
		*out = (struct machine){ .family = MACHINE_OTHER };
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		if (!str_among(machine, gone[i].names))
			continue;
		/* One of another architecture that had the same name is not this one. */
		if (!found && find_row(STR(""), machine, &other))
			break;
		out->removed = version_of(gone[i].removed);
		out->instead = *gone[i].instead ? gone[i].instead : NULL;
		return true;
	}
	if (!found)
		out->family = MACHINE_UNKNOWN;
	return found;
}

enum machine_family machine_family(struct str arch, struct str machine)
{
	struct machine m;

	return machine_find(arch, machine, &m) ? m.family : MACHINE_UNKNOWN;
}
