/* Security labels: of the domain, and of a disk or a character device.
 * libvirt formatdomain, "Security label"; libvirt, src/conf/domain_conf.c
 * (virSecurityLabelDefParseXML, virSecurityLabelDefsParseXML,
 * virSecurityDeviceLabelDefParseXML).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

static struct finding *refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
	return f;
}

/* ---- seclabel-twice ---- */

/* Two of one model, or of none. */
static void check_models(struct scan *s, const struct node *owner)
{
	const struct node *first = node_child(owner, "seclabel");

	if (domain_too_many(first))
		return;
	for (const struct node *n = first; n; n = node_again(n)) {
		struct fact model = ASK(n, "@model");

		for (const struct node *m = first; m != n; m = node_again(m)) {
			struct fact other = ASK(m, "@model");
			struct finding *f;

			if (!fact_known(&model) || !fact_known(&other) ||
			    !str_eq(model.v, other.v))
				continue;
			f = report(s, model.at,
				   "seclabel for model %s is already provided",
				   shown(s, model.v));
			report_related(s, refused(s, f), m->open_at, "here");
			return;
		}
	}
}

static void check_missing(struct scan *s, const struct domain *d)
{
	const struct node *first = node_child(d->node, "seclabel");

	if (!first || !node_again(first))
		return;
	for (const struct node *n = first; n; n = node_again(n)) {
		struct fact model = ASK(n, "@model");

		if (fact_absent(&model)) {
			refused(s, report(s, n->open_at,
					  "missing security model when using multiple "
					  "labels"));
			return;
		}
	}
}

static void check_twice(struct scan *s, const struct domain *d)
{
	check_models(s, d->node);
	check_missing(s, d);
	for (size_t i = 0; i < d->ndevices; i++) {
		const struct node *source = node_child(d->devices[i].node, "source");

		if (source)
			check_models(s, source);
	}
}

/* ---- seclabel-relabel ---- */

/* A label of the domain, of that model, with which nothing is relabelled. */
static const struct node *kept(const struct domain *d, const struct fact *model)
{
	for (const struct node *n = node_child(d->node, "seclabel"); n;
	     n = node_again(n)) {
		struct fact type = ASK(n, "@type"), relabel = ASK(n, "@relabel"),
			    of = ASK(n, "@model");

		if (fact_is(&type, "static") && !fact_is(&relabel, "yes") &&
		    relabel.state != FACT_UNKNOWN && fact_known(&of) &&
		    fact_known(model) && str_eq(of.v, model->v))
			return n;
	}
	return NULL;
}

static void check_override(struct scan *s, const struct domain *d, const struct node *n)
{
	struct fact relabel = ASK(n, "@relabel"), label = ASK(n, "label"),
		    model = ASK(n, "@model");
	const struct node *of = kept(d, &model);
	struct finding *f;

	if (fact_is(&relabel, "no") && fact_known(&label)) {
		f = report(s, label.at,
			   "cannot specify a label if relabelling is turned off");
		refused(s, f);
	} else if (of) {
		f = report(
			s, n->open_at,
			"label overrides require relabeling to be enabled at the domain "
			"level, and model '%s' has none",
			shown(s, model.v));
		refused(s, f);
		report_related(s, f, of->open_at, "relabelling is off");
	}
}

static void check_relabel(struct scan *s, const struct domain *d)
{
	for (const struct node *n = node_child(d->node, "seclabel"); n;
	     n = node_again(n)) {
		struct fact type = ASK(n, "@type"), relabel = ASK(n, "@relabel"),
			    label = ASK(n, "label"), model = ASK(n, "@model");

		if ((fact_absent(&type) || fact_is(&type, "dynamic")) &&
		    fact_is(&relabel, "no"))
			refused(s, report(s, relabel.at,
					  "dynamic label type must use resource "
					  "relabeling"));
		else if (fact_is(&type, "none") && fact_is(&relabel, "yes"))
			refused(s, report(s, relabel.at,
					  "resource relabeling is not compatible with "
					  "'none' label type"));
		else if (fact_is(&type, "static") && fact_absent(&label) &&
			 fact_is_not(&model, "none"))
			refused(s, report(s, n->open_at,
					  "security label is missing, type is 'static'"));
	}
	for (size_t i = 0; i < d->ndevices; i++) {
		const struct node *source = node_child(d->devices[i].node, "source"), *n;

		for (n = source ? node_child(source, "seclabel") : NULL; n;
		     n = node_again(n))
			check_override(s, d, n);
	}
}

/* ---- seclabel-off ---- */

static void check_off(struct scan *s, const struct domain *d)
{
	for (const struct node *n = node_child(d->node, "seclabel"); n;
	     n = node_again(n)) {
		struct fact type = ASK(n, "@type"), model = ASK(n, "@model");
		struct finding *f;

		if (!d->qemu || !fact_is(&type, "none") || fact_is(&model, "none"))
			continue;
		f = report(s, type.at, "the VM runs without confinement%s%s",
			   fact_known(&model) ? " by " : "",
			   fact_known(&model) ? shown(s, model.v) : "");
		report_label(s, f,
			     "who breaks out of the guest has all that QEMU's user has");
	}
}

const struct rule rules_seclabel[] = {
	{ .id = "seclabel-off",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a VM without the confinement of SELinux, AppArmor or DAC",
	  .why = "type='none' takes away what keeps a QEMU that was taken over from the "
		 "images of other VMs, and from the rest of the host.",
	  .steps =
		  "Without <seclabel> libvirt labels everything by itself. For one image "
		  "that cannot be relabelled, such as one on NFS: <seclabel "
		  "relabel='no'/> in its <source>.",
	  .source = "libvirt formatdomain, seclabel; libvirt, drvqemu, security",
	  .since = "0.1.0",
	  CHECK(domain, check_off) },
	{ .id = "seclabel-relabel",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a security label whose type and relabelling contradict",
	  .why = "libvirt refuses the domain: dynamic labels are put on the images, none "
		 "are not, static ones are given, and what is not relabelled has no label.",
	  .source = "libvirt, src/conf/domain_conf.c (virSecurityLabelDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_relabel) },
	{ .id = "seclabel-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two security labels of one model",
	  .why = "libvirt refuses the domain: several labels each have a model, and each "
		 "model has one.",
	  .source = "libvirt, src/conf/domain_conf.c (virSecurityLabelDefsParseXML, "
		    "virSecurityDeviceLabelDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_twice) },
};
RULES_END(seclabel);
