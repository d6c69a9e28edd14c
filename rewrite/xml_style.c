/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/xml_style.h"
#include "base/num.h"
#include "base/banned.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(uint8_t c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* ---- lines ---- */

static const uint8_t *newline_in(struct view v)
{
	return v.n ? memchr(v.p, '\n', v.n) : NULL;
}

static size_t line_start(const struct xml_style *s, uint64_t off)
{
	size_t at = (size_t)off;

	/* A text of one long line is seen at a glance. */
	if (!newline_in(view_cut(s->text, 0, at)))
		at = 0;
	while (at > 0 && s->text.p[at - 1] != '\n')
		at--;
	if (at == 0 && view_eq(s->text, 0, "\xef\xbb\xbf", 3))
		at = (size_t)u64_min(3, off);
	return at;
}

static struct str blanks_from(const struct xml_style *s, size_t from, uint64_t upto)
{
	size_t at = from;

	while (at < upto && is_blank(s->text.p[at]))
		at++;
	return (struct str){ .p = (const char *)s->text.p + from, .n = at - from };
}

/* Looks no further back than the blanks reach: a text may be one long line. */
bool style_leads_line(const struct xml_style *s, const struct node *n)
{
	size_t at = (size_t)n->whole.off;

	while (at > 0 && is_blank(s->text.p[at - 1]))
		at--;
	return at == 0 || s->text.p[at - 1] == '\n' ||
	       (at == 3 && view_eq(s->text, 0, "\xef\xbb\xbf", 3));
}

struct str style_indent(const struct xml_style *s, const struct node *n)
{
	return blanks_from(s, line_start(s, n->whole.off), n->whole.off);
}

struct str style_eol(const struct xml_style *s, uint64_t off)
{
	struct view behind = view_cut(s->text, (size_t)off, s->text.n - (size_t)off);
	const uint8_t *nl = newline_in(behind);
	size_t at;

	if (nl) {
		at = (size_t)(nl - s->text.p);
	} else {
		/* The last line: as the one before it. */
		at = line_start(s, off);
		if (at == 0 || s->text.p[at - 1] != '\n')
			return STR("");
		at--;
	}
	return at > 0 && s->text.p[at - 1] == '\r' ? STR("\r\n") : STR("\n");
}

/* The length of the comment that starts at off; 0: none does. */
static size_t comment_at(const struct xml_style *s, size_t off)
{
	if (!view_eq(s->text, off, "<!--", 4))
		return 0;
	for (size_t at = off + 4; at < s->text.n; at++) {
		if (view_eq(s->text, at, "-->", 3))
			return at + 3 - off;
	}
	return 0;
}

uint64_t style_line_rest(const struct xml_style *s, uint64_t off)
{
	size_t at = (size_t)off;

	while (at < s->text.n) {
		size_t comment = comment_at(s, at);

		if (s->text.p[at] == '\n' || view_eq(s->text, at, "\r\n", 2))
			return at;
		if (comment == 0 && !is_blank(s->text.p[at]))
			return UINT64_MAX;
		at += comment ? comment : 1;
	}
	return at;
}

uint64_t style_space_before(const struct xml_style *s, uint64_t off)
{
	while (off > 0 && is_space(s->text.p[off - 1]))
		off--;
	return off;
}

/* ---- indentation ---- */

/* What inner's line has more than outer's, when inner starts its line; else "". */
static struct str step_between(const struct xml_style *s, const struct node *outer,
			       const struct node *inner)
{
	struct str a, b;

	if (!style_leads_line(s, inner))
		return STR("");
	b = style_indent(s, inner);
	if (b.n == 0)
		return STR("");
	a = style_indent(s, outer);
	if (b.n <= a.n || (a.n > 0 && memcmp(a.p, b.p, a.n) != 0))
		return STR("");
	return (struct str){ .p = b.p + a.n, .n = b.n - a.n };
}

/* A look over the elements of a file for its habits. Of a large one the beginning tells:
 * each fix looks anew. */
struct survey {
	unsigned left; /* elements that it may still look at */
	bool lines;    /* one of them starts a line */
};

enum { SURVEY_ELEMENTS = 1000 };

/* The first step that any element below n makes; "" when none does. */
static struct str step_below(const struct xml_style *s, const struct node *n,
			     struct survey *v)
{
	struct str step = STR("");

	for (const struct node *c = n->first; c && step.n == 0 && v->left; c = c->next) {
		if (!node_is_content(c))
			continue;
		v->left--;
		v->lines = v->lines || style_leads_line(s, c);
		step = step_between(s, n, c);
		if (step.n == 0)
			step = step_below(s, c, v);
	}
	return step;
}

struct str style_step(const struct xml_style *s, const struct node *n)
{
	struct survey v = { .left = SURVEY_ELEMENTS };
	struct str step;

	for (; n->up; n = n->up) {
		step = step_between(s, n->up, n);
		if (step.n > 0)
			return step;
	}
	step = step_below(s, n, &v);
	/* A file that breaks lines and never indents goes on like that. */
	return step.n > 0 || v.lines ? step : STR("  ");
}

/* ---- habits ---- */

typedef bool (*node_test)(const struct node *n);

static bool is_attribute(const struct node *n)
{
	return n->kind == NODE_ATTRIBUTE;
}

static bool is_self_closing(const struct node *n)
{
	return n->kind == NODE_ELEMENT && n->self_closing;
}

static const struct node *find_below(const struct node *n, node_test test)
{
	const struct node *found;

	if (test(n))
		return n;
	for_each_node (c, n) {
		found = find_below(c, test);
		if (found)
			return found;
	}
	return NULL;
}

/* The nearest example: in n's own subtree, then in its parent's, and so on. */
static const struct node *find_near(const struct node *n, node_test test)
{
	const struct node *found = NULL;

	for (; n && !found; n = n->up)
		found = find_below(n, test);
	return found;
}

char style_quote(const struct xml_style *s, const struct node *n)
{
	const struct node *attr = find_near(n, is_attribute);

	/* The byte before a value is its opening quote. */
	return attr ? (char)view_u8(s->text, (size_t)attr->text_at.off - 1) : '\'';
}

const char *style_close(const struct xml_style *s, const struct node *n)
{
	const struct node *closed = find_near(n, is_self_closing);

	if (!closed)
		return "/>";
	return is_blank(view_u8(s->text, (size_t)span_end(closed->open_at) - 3)) ? " />"
										 : "/>";
}

/* ---- order ---- */

/* The children of an element in the order of libvirt's src/conf/domain_conf.c
 * (virDomainDefFormatInternalSetRootName and the functions that it calls), as of 9.0. */
struct order {
	const char *parent;
	const char *children;
};

static const struct order orders[] = {
	{ "domain",
	  "name uuid genid title description metadata maxMemory memory currentMemory "
	  "blkiotune memtune memoryBacking vcpu vcpus iothreads iothreadids "
	  "defaultiothread cputune numatune resource sysinfo bootloader bootloader_args os "
	  "idmap features cpu clock on_poweroff on_reboot on_crash on_lockfailure pm perf "
	  "devices seclabel keywrap launchSecurity" },
	{ "os",
	  "type firmware init initarg initenv initdir inituser initgroup loader nvram kernel "
	  "initrd cmdline dtb acpi boot bootmenu bios smbios" },
	{ "features",
	  "acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport "
	  "gic smm ioapic hpt htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg "
	  "async-teardown" },
	{ "devices",
	  "emulator disk controller lease filesystem interface smartcard serial parallel "
	  "console channel input tpm graphics sound audio video hostdev redirdev "
	  "redirfilter hub watchdog memballoon rng nvram panic shmem memory iommu vsock "
	  "crypto" },
	{ "disk",
	  "driver auth source backingStore geometry blockio mirror target iotune readonly "
	  "shareable transient serial wwn vendor product encryption boot alias address" },
	{ "iommu", "driver alias address" },
	{ "hostdev", "driver source teaming boot rom alias address" },
};

/* The place of a name among blank-separated words, or SIZE_MAX. */
static size_t word_index(const char *words, struct str name)
{
	size_t index = 0;

	while (*words) {
		size_t n = strcspn(words, " ");

		if (str_eq((struct str){ .p = words, .n = n }, name))
			return index;
		words += n + strspn(words + n, " ");
		index++;
	}
	return SIZE_MAX;
}

static const char *order_of(const struct node *parent)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (str_is(parent->key, orders[i].parent))
			return orders[i].children;
	}
	return "";
}

const struct node *style_anchor(const struct node *parent, struct str name)
{
	const char *order = order_of(parent);
	size_t mine = word_index(order, name);
	const struct node *anchor = NULL, *before = NULL;

	for_each_node (c, parent) {
		size_t its = c->ns.n == 0 ? word_index(order, c->key) : SIZE_MAX;

		if (c->kind != NODE_ELEMENT)
			continue;
		/* One that libvirt does not print there goes with the one before it. */
		if (mine == SIZE_MAX || its <= mine ||
		    (its == SIZE_MAX && before && before == anchor))
			anchor = c;
		before = c;
	}
	return anchor;
}
