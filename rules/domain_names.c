/* Names that libvirt does not read, and drops without a word.
 * libvirt formatdomain; virsh define --validate.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_table.h"
#include "rules/near.h"
#include "rules/rules.h"
#include "base/banned.h"

/* The name that was meant; n 0: none is near, and a later version may know this one. */
static struct str near(struct str name, const char *names)
{
	struct str rest = str_of(names), best = near_among(name, names);

	/* cachemode */
	while (!best.n && rest.n) {
		struct str word = str_word(&rest);

		if (word.n > 4 && word.n < name.n && memcmp(word.p, name.p, word.n) == 0)
			best = word;
	}
	return best;
}

static void meet_names(struct scan *s, const struct domain_names *names,
		       const struct node *element)
{
	/* Their children are refused: features-unknown. */
	static const char closed[] = "features features/hyperv features/kvm features/xen "
				     "features/capabilities";
	bool is_closed = str_among(str_of(names->path), closed);

	for_each_node (n, element) {
		bool attribute = n->kind == NODE_ATTRIBUTE;
		const char *known = attribute ? names->attributes : names->children;
		struct finding *f;
		struct str meant;

		if (n->ns.n || (!attribute && (is_closed || n->kind != NODE_ELEMENT)) ||
		    str_among(n->key, known) || text_is_variable(n->key))
			continue;
		/* Declarations of namespaces, and attributes of those. */
		if (attribute && (str_starts(n->key, "xmlns") || str_has(n->key, ":")))
			continue;
		meant = near(n->key, known);
		f = report(s, n->key_at, "libvirt knows no %s '%s' in element '%s'",
			   attribute ? "attribute" : "element", shown(s, n->key),
			   shown(s, element->key));
		if (meant.n) {
			report_label(s, f,
				     "it is dropped without a word; did you mean "
				     "'%.*s'?",
				     STR_ARG(meant));
		} else {
			report_label(s, f, "it is dropped without a word");
			report_lower(f);
		}
	}
}

static void check_names(struct scan *s, const struct domain *d)
{
	domain_each_element(s, d, meet_names);
}

const struct rule rules_domain_names[] = {
	{ .id = "domain-name-unknown",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "an element or attribute that libvirt does not know",
	  .why = "libvirt defines the domain and drops what it does not know, without a "
		 "word: the setting that its author believes in is not there.",
	  .steps = "`virsh define --validate` refuses such a domain. What stands in the "
		   "wrong element has to move; what belongs to another program goes into "
		   "<metadata>, in a namespace of its own.",
	  .source = "libvirt, src/conf/schemas/domaincommon.rng",
	  .since = "0.1.0",
	  CHECK(domain, check_names) },
};
RULES_END(domain_names);
