/* What libvirt's own schema has against a domain, said of the very place (--schema).
 * libvirt, src/conf/schemas/domain.rng; virsh(1), define and edit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/schema.h"
#include "base/banned.h"

static const char *text_at(struct scan *s, struct span at)
{
	return shown(s, str_view(view_cut(scan_unit(s)->text, at.off, at.len)));
}

/* The name as it is written, with its prefix. */
static const char *name_of(struct scan *s, const struct node *n)
{
	return text_at(s, n->key_at);
}

/* "type='bridge'", or "<source>" */
static const char *thing(struct scan *s, const struct node *n)
{
	if (n->kind == NODE_ELEMENT)
		return scan_printf(s, "<%s>", name_of(s, n));
	return scan_printf(s, "%s='%s'", name_of(s, n), shown(s, n->text));
}

static bool is_around(const struct node *n, const struct node *inner)
{
	while (inner && inner != n)
		inner = inner->up;
	return inner == n;
}

/* The same of something that stands elsewhere: with its element. */
static const char *thing_from(struct scan *s, const struct node *n,
			      const struct node *there, const char *lacks)
{
	if (lacks)
		return scan_printf(s, "<%s> without the attribute '%s'", name_of(s, n),
				   shown(s, str_of(lacks)));
	if (is_around(n, there))
		return scan_printf(s, "the attributes of <%s>", name_of(s, n));
	if (n->kind == NODE_ELEMENT || n->up == there || n->up == there->up)
		return thing(s, n);
	return scan_printf(s, "%s of <%s>", thing(s, n), name_of(s, n->up));
}

/* "a, b or c", each as form says. */
static const char *words(struct scan *s, const struct schema_fault *f, const char *open,
			 const char *close)
{
	const char *all = "";

	for (size_t i = 0; i < f->nwords; i++) {
		const char *between = i == 0                           ? ""
				      : i + 1 == f->nwords && !f->more ? " or "
								       : ", ";

		all = scan_printf(s, "%s%s%s%s%s", all, between, open,
				  shown(s, str_of(f->words[i])), close);
	}
	return f->more ? scan_printf(s, "%s ...", all) : all;
}

/* ---- names ---- */

static void say_no_element(struct scan *s, const struct schema_fault *f)
{
	const char *name = name_of(s, f->node), *in = name_of(s, f->node->up);
	struct finding *found;

	if (f->meant)
		found = report(s, f->node->key_at,
			       "<%s> is no element of <%s>; did you mean <%s>?", name, in,
			       f->meant);
	else if (f->home)
		found = report(s, f->node->key_at,
			       "<%s> is no element of <%s>, but of <%s>", name, in,
			       f->home);
	else
		found = report(s, f->node->key_at, "<%s> is no element of <%s>", name,
			       in);
	report_label(s, found, "libvirt drops it in silence, unless it validates");
}

static void say_no_attribute(struct scan *s, const struct schema_fault *f)
{
	const char *name = name_of(s, f->node), *of = name_of(s, f->node->up);
	struct finding *found;

	if (f->meant)
		found = report(s, f->node->key_at,
			       "<%s> has no attribute '%s'; did you mean '%s'?", of, name,
			       f->meant);
	else if (f->home)
		found = report(s, f->node->key_at,
			       "'%s' is no attribute of <%s>, but of <%s>", name, of,
			       f->home);
	else
		found = report(s, f->node->key_at, "'%s' is no attribute of <%s>", name,
			       of);
	report_label(s, found, "libvirt drops it in silence, unless it validates");
}

static void say_root(struct scan *s, const struct schema_fault *f)
{
	report(s, f->node->key_at, "the file begins with <%s>, expected %s",
	       name_of(s, f->node), words(s, f, "<", ">"));
}

static void say_twice(struct scan *s, const struct schema_fault *f)
{
	struct finding *found = report(s, f->node->key_at,
				       "<%s> stands in <%s> a second time, expected one",
				       name_of(s, f->node), name_of(s, f->node->up));

	report_label(s, found, "only one of them counts");
	report_related(s, found, f->other->key_at, "the first one");
}

/* ---- values ---- */

static struct span value_at(const struct node *n)
{
	if (n->kind == NODE_ATTRIBUTE)
		return n->text.n ? n->text_at : n->whole;
	return n->text.n ? node_value_at(n) : n->open_at;
}

/* What is wrong: "device='cdrm' of <disk>", "<name> with 'a/b'", "<name> without text" */
static const char *observed(struct scan *s, const struct node *n)
{
	if (n->kind == NODE_ATTRIBUTE)
		return scan_printf(s, "<%s> has %s", name_of(s, n->up), thing(s, n));
	if (n->text.n)
		return scan_printf(s, "<%s> is '%s'", name_of(s, n), shown(s, n->text));
	return scan_printf(s, "<%s> is empty", name_of(s, n));
}

static void say_value(struct scan *s, const struct schema_fault *f)
{
	struct finding *found;

	if (f->nwords)
		found = report(s, value_at(f->node), "%s, expected %s",
			       observed(s, f->node), words(s, f, "", ""));
	else
		found = report(s, value_at(f->node),
			       "%s, which does not have the form that is expected",
			       observed(s, f->node));
	if (f->meant)
		report_label(s, found, "did you mean '%s'?", f->meant);
}

static void say_text(struct scan *s, const struct schema_fault *f)
{
	report(s, node_value_at(f->node), "<%s> has the text '%s', expected none",
	       name_of(s, f->node), shown(s, f->node->text));
}

/* ---- what does not go together, and what is missing ---- */

static const char *expected(struct scan *s, const struct schema_fault *f)
{
	if (!f->names)
		return words(s, f, "", "");
	return f->node->kind == NODE_ELEMENT
		       ? words(s, f, "<", ">")
		       : scan_printf(s, "the attribute %s", words(s, f, "'", "'"));
}

static void say_clash(struct scan *s, const struct schema_fault *f)
{
	const struct node *n = f->node;
	struct span at = n->kind == NODE_ATTRIBUTE ? n->whole : n->key_at;
	struct finding *found;

	if (f->other && n->kind == NODE_ELEMENT && n->text.n &&
	    f->other->up == n) /* its text, and an attribute of its own */
		at = value_at(n);
	if (f->other)
		found = report(s, at, "%s does not go with %s",
			       n->kind == NODE_ATTRIBUTE
				       ? scan_printf(s, "%s of <%s>", thing(s, n),
						     name_of(s, n->up))
				       : thing(s, n),
			       thing_from(s, f->other, n, f->lacks));
	else
		found = report(s, at, "%s does not go with the rest of <%s>", thing(s, n),
			       name_of(s, n->up));
	if (f->nwords && !f->more)
		report_label(s, found, "expected %s", expected(s, f));
	if (f->other)
		report_related(s, found,
			       f->other->kind == NODE_ATTRIBUTE ? f->other->whole
								: f->other->key_at,
			       "what it does not go with");
}

static void say_lack(struct scan *s, const struct schema_fault *f)
{
	bool attribute = f->kind == SCHEMA_LACKS_ATTRIBUTE;
	const char *names = attribute ? words(s, f, "'", "'") : words(s, f, "<", ">");
	struct finding *found =
		report(s, f->node->open_at, "<%s>%s lacks %s%s", name_of(s, f->node),
		       f->other ? scan_printf(s, " with %s", thing(s, f->other)) : "",
		       attribute ? "the attribute " : "", names);

	if (f->other)
		report_related(s, found, f->other->whole, "which asks for it");
}

static void say_unknown(struct scan *s, const struct schema_fault *f)
{
	report(s, f->node->open_at,
	       "<%s> does not fit libvirt's schema, and what is the matter is not known",
	       name_of(s, f->node));
}

static void check_schema(struct scan *s, const struct unit *u)
{
	for (size_t i = 0; i < u->nschema_faults; i++) {
		const struct schema_fault *f = &u->schema_faults[i];

		switch (f->kind) {
		case SCHEMA_NO_ELEMENT:
			say_no_element(s, f);
			break;
		case SCHEMA_NO_ATTRIBUTE:
			say_no_attribute(s, f);
			break;
		case SCHEMA_ROOT:
			say_root(s, f);
			break;
		case SCHEMA_TWICE:
			say_twice(s, f);
			break;
		case SCHEMA_CLASH:
			say_clash(s, f);
			break;
		case SCHEMA_VALUE:
			say_value(s, f);
			break;
		case SCHEMA_TEXT:
			say_text(s, f);
			break;
		case SCHEMA_LACKS_ATTRIBUTE:
		case SCHEMA_LACKS_ELEMENT:
			say_lack(s, f);
			break;
		case SCHEMA_UNKNOWN:
			say_unknown(s, f);
			break;
		}
	}
}

const struct rule rules_schema[] = {
	{ .id = "domain-schema",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .yields = true,
	  .title = "libvirt's schema does not allow it (--schema)",
	  .why = "virsh edit and virsh define --validate refuse the domain. Without that, "
		 "libvirt drops names that it does not know in silence, so that what they "
		 "were to say is not so, and refuses some values, but not all.",
	  .steps =
		  "Write what is expected. Where the file is for a libvirt that is newer "
		  "than the one here, point --schema-path at the schemas of that one.",
	  .source = "libvirt, domain.rng and virXMLValidatorValidate(); virsh(1), define "
		    "--validate; ISO/IEC 19757-2",
	  .since = "0.1.0",
	  CHECK(unit, check_schema) },
};
RULES_END(schema);
