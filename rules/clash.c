/* Tables of what two values of one device of a libvirt domain cannot be together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/clash.h"
#include "rules/words.h"
#include "base/num.h"

#include "base/banned.h"

/* ---- values ---- */

/* virDomainDiskDefPostParse(): the name's prefix decides where <target> does not. */
struct fact disk_bus(const struct device *disk)
{
	static const struct {
		const char *prefix, *bus;
	} buses[] = { { "sd", "scsi" }, { "vd", "virtio" }, { "xvd", "xen" },
		      { "ubd", "uml" }, { "nvme", "" },     { "hd", "ide" } };
	struct fact bus = ASK(disk->node, "target@bus");
	struct fact device = ASK(disk->node, "@device"), dev;

	bus.lens = NULL;
	if (!fact_absent(&bus))
		return bus;
	bus.state = FACT_UNKNOWN;
	dev = ASK(disk->node, "target@dev");
	if (fact_is(&device, "floppy")) {
		bus.state = FACT_KNOWN;
		bus.v = STR("fdc");
	} else if (fact_known(&device) || fact_absent(&device)) {
		for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
			if (fact_known(&dev) && str_starts(dev.v, buses[i].prefix) &&
			    buses[i].bus[0]) {
				bus.state = FACT_KNOWN;
				bus.v = str_of(buses[i].bus);
				break;
			}
		}
	}
	return bus;
}

struct fact clash_ask(const struct device *d, const struct node *node, const char *path)
{
	struct fact f;

	switch (path[0]) {
	case '%':
		if (strcmp(path, "%bus") == 0)
			return disk_bus(d);
		BUG_ON(strcmp(path, "%arch") != 0);
		f = d->domain->vm->arch;
		break;
	case '^':
		f = ASK(d->node, path + 1);
		break;
	case '/':
		f = ASK(d->domain->node, path + 1);
		break;
	default:
		f = ASK(node, path);
		break;
	}
	f.lens = NULL;
	return f;
}

/* ---- clauses ---- */

/* An empty alternative stands for no value. */
static bool is_among(const struct fact *f, const char *words)
{
	struct str rest = str_of(words);

	for (;;) {
		const char *bar = memchr(rest.p, '|', rest.n);
		struct str word = { rest.p, bar ? (size_t)(bar - rest.p) : rest.n };

		if (fact_absent(f) ? word.n == 0 : str_eq(f->v, word))
			return true;
		if (!bar)
			return false;
		rest.n -= word.n + 1;
		rest.p = bar + 1;
	}
}

static bool number_is(const struct fact *f, const char *is)
{
	uint64_t v, limit = 0;

	if (!fact_number(f, &v))
		return false;
	if (strcmp(is, "2^") == 0)
		return (v & (v - 1)) != 0;
	BUG_ON(!str_u64(str_of(is + 1), &limit));
	return is[0] == '<' ? v < limit : is[0] == '>' ? v > limit : v == limit;
}

static bool text_is(const struct fact *f, const char *is)
{
	uint64_t limit = 0;

	if (!fact_known(f))
		return false;
	if (is[0] == '>') {
		BUG_ON(!str_u64(str_of(is + 1), &limit));
		return f->v.n > limit;
	}
	for (size_t i = 0; i < f->v.n; i++) {
		if (!f->v.p[i] || !strchr(is + 1, f->v.p[i]))
			return true;
	}
	return false;
}

bool clause_holds(const struct fact *f, const char *is)
{
	if (f->state == FACT_UNKNOWN)
		return false;
	if (is[0] == '#')
		return number_is(f, is + 1);
	if (is[0] == '~')
		return text_is(f, is + 1);
	/* "!" alone: no value is the one word that it must not be. */
	return is[0] == '!' ? !is_among(f, is + 1) : is_among(f, is);
}

/* ---- the table ---- */

/* The user says that it is for a libvirt that takes it. */
static bool is_over(struct scan *s, const struct clash *row)
{
	struct version v = target_version(s, "libvirt");

	return row->until && v.known && version_cmp(&v, row->until, 0, 0) >= 0;
}

static bool holds(const struct clash *row, const struct device *d,
		  const struct node *node)
{
	if (!(row->kinds >> d->kind & 1) || !(row->common || d->domain->qemu))
		return false;
	for (size_t i = 0; i < CLASH_CLAUSES && row->when[i].path; i++) {
		struct fact f = clash_ask(d, node, row->when[i].path);

		if (!clause_holds(&f, row->when[i].is))
			return false;
	}
	return !row->also || row->also(d);
}

/* {path:word} of a message. */
static const char *value_of(struct scan *s, const struct device *d,
			    const struct node *node, struct str name)
{
	const char *colon = memchr(name.p, ':', name.n);
	struct str path = { name.p, colon ? (size_t)(colon - name.p) : name.n };
	struct str word = { colon ? colon + 1 : NULL, colon ? name.n - path.n - 1 : 0 };
	struct fact f = clash_ask(d, node, scan_printf(s, "%.*s", STR_ARG(path)));

	return shown(s, fact_known(&f) && f.v.n ? f.v : word);
}

static const char *text_of(struct scan *s, const struct device *d,
			   const struct node *node, const char *says)
{
	const char *text = "", *open = strchr(says, '{');

	while (open) {
		const char *close = strchr(open, '}');

		BUG_ON(!close);
		text = scan_printf(
			s, "%s%.*s%s", text, (int)(open - says), says,
			value_of(s, d, node,
				 (struct str){ open + 1, (size_t)(close - open - 1) }));
		says = close + 1;
		open = strchr(says, '{');
	}
	return scan_printf(s, "%s%s", text, says);
}

const char *device_name(struct scan *s, const struct device *d)
{
	struct fact f;

	switch (d->kind) {
	case DEVICE_disk:
		f = ASK(d->node, "target@dev");
		return fact_known(&f) ? scan_printf(s, "disk '%s'", shown(s, f.v))
				      : "a disk";
	case DEVICE_interface:
		f = ASK(d->node, "mac@address");
		return fact_known(&f) ? scan_printf(s, "interface %s", shown(s, f.v))
				      : "an interface";
	default:
		return scan_printf(s, "the %s", device_kind_name(d->kind));
	}
}

/* Said of this place before. */
static bool seen(const struct clash *rows, const bool *held, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (held[k] && strcmp(rows[k].at, rows[i].at) == 0)
			return true;
	}
	return false;
}

enum { CLASHES_MAX = 64 };

void clash_check(struct scan *s, const struct device *d, const struct node *node,
		 const struct clash *rows, size_t n)
{
	bool held[CLASHES_MAX] = { false };

	BUG_ON(n > CLASHES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct clash *row = &rows[i];
		struct finding *f;
		struct fact at;

		held[i] = holds(row, d, node) && !is_over(s, row);
		if (!held[i] || seen(rows, held, i))
			continue;
		at = row->at[0] ? clash_ask(d, node, row->at)
				: (struct fact){ .at = node->open_at };
		f = report(s, at.at, "%s", text_of(s, d, node, row->says));
		report_label(s, f, "%s", row->label ? row->label : DOMAIN_REFUSES);
		if (row->lower)
			report_lower(f);
		f->arg = i;
	}
}

void clash_table(struct scan *s, const struct device *d, uint64_t of,
		 const struct clash *rows, size_t n)
{
	if (!(of >> d->kind & 1))
		return;
	for (size_t i = 0; i < n; i++)
		BUG_ON(rows[i].kinds & ~of);
	clash_check(s, d, d->node, rows, n);
}

bool clash_fix(struct plan *p, const struct finding *f, const struct node *node,
	       const struct clash *rows)
{
	const struct clash *row = &rows[f->arg];
	struct fact at;
	struct lens_path path = { 0 };

	if (row->no_fix || strchr("%/^", row->at[0] ? row->at[0] : 'x'))
		return false;
	if (!row->at[0]) {
		plan_title(p, "remove <%.*s>", STR_ARG(node->key));
		return plan_remove_node(p, node);
	}
	at = ASK(node, row->at);
	BUG_ON(!lens_path(at.lens, 0, &path));
	if (row->set) {
		plan_title(p, "%.*s='%s'", STR_ARG(path.attribute), row->set);
		return plan_set(p, &at, row->set);
	}
	if (path.attribute.n)
		plan_title(p, "remove %.*s", STR_ARG(path.attribute));
	else
		plan_title(p, "remove <%.*s>", STR_ARG(path.steps[path.n - 1]));
	return plan_remove(p, &at);
}
