/* <sysinfo>: what the guest's firmware says of the machine.
 * libvirt formatdomain, "SMBIOS System Information"; libvirt, src/conf/domain_conf.c
 * (virSysinfoParseSMBIOSDef, virSysinfoParseFWCfgDef).
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

#define for_each_sysinfo(var, d)                                                         \
	for (const struct node *var = node_child((d)->node, "sysinfo"); var;             \
	     var = node_again(var))

/* <group><entry name=''> of it; NULL: none. */
static const struct node *entry_of(const struct node *sysinfo, const char *group,
				   const char *name)
{
	const struct node *all = node_child(sysinfo, group);

	for (const struct node *n = all ? node_child(all, "entry") : NULL; n;
	     n = node_again(n)) {
		struct fact is = ASK(n, "@name");

		if (fact_is(&is, name))
			return n;
	}
	return NULL;
}

static bool is_smbios(const struct node *sysinfo)
{
	struct fact type = ASK(sysinfo, "@type");

	return fact_is(&type, "smbios");
}

/* ---- sysinfo-uuid ---- */

enum { UUID_DIGITS = 32 };

/* The digits alone, in small letters. False: it is none. */
static bool digits_of(struct str text, char out[UUID_DIGITS])
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '-' || c == ' ')
			continue;
		c = 'A' <= c && c <= 'F' ? (char)(c | 0x20) : c;
		if (n == UUID_DIGITS ||
		    !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		out[n++] = c;
	}
	return n == UUID_DIGITS;
}

/* <hwuuid> is what the guest sees, where there is one. */
static struct fact own_uuid(const struct domain *d)
{
	/* Outlives this function, as ASK()'s would not. */
	static const struct lens hwuuid = { .field = "hwuuid", .path = "hwuuid" };
	struct fact hardware = lens_ask(d->node, &hwuuid);

	return fact_absent(&hardware) ? d->vm->uuid : hardware;
}

static void check_uuid(struct scan *s, const struct domain *d)
{
	struct fact own = own_uuid(d);
	char a[UUID_DIGITS], b[UUID_DIGITS];

	for_each_sysinfo(n, d)
	{
		const struct node *entry =
			is_smbios(n) ? entry_of(n, "system", "uuid") : NULL;
		struct finding *f;

		if (!entry || node_is_variable(entry) || !entry->text.n)
			continue;
		if (!digits_of(entry->text, b)) {
			refused(s, report(s, node_value_at(entry),
					  "malformed <sysinfo> uuid element '%s'",
					  shown(s, entry->text)));
			continue;
		}
		if (!fact_known(&own) || !digits_of(own.v, a) ||
		    memcmp(a, b, sizeof(a)) == 0)
			continue;
		f = report(s, node_value_at(entry),
			   "UUID mismatch between <%.*s> and <sysinfo>: '%s'",
			   STR_ARG(own.owner == d->node && own.lens &&
						   strcmp(own.lens->path, "hwuuid") == 0
					   ? STR("hwuuid")
					   : STR("uuid")),
			   shown(s, entry->text));
		report_related(s, refused(s, f), own.at, "the domain's");
	}
}

static bool fix_uuid(struct plan *p, const struct finding *f, const struct domain *d)
{
	struct fact own = own_uuid(d);
	char digits[UUID_DIGITS];

	if (!fact_known(&own) || !digits_of(own.v, digits))
		return plan_refuse(p, "which UUID is meant cannot be seen from here");
	plan_title(p, "the domain's UUID");
	return plan_replace(p, f->at, own.v);
}

/* ---- sysinfo-date ---- */

/* A number of one or more digits, and what stands behind it. */
static bool number(struct str *s, unsigned *out)
{
	size_t n = 0;

	*out = 0;
	while (n < s->n && n < 6 && s->p[n] >= '0' && s->p[n] <= '9')
		*out = *out * 10 + (unsigned)(s->p[n++] - '0');
	*s = (struct str){ s->p + n, s->n - n };
	return n > 0;
}

static bool slash(struct str *s)
{
	if (!s->n || s->p[0] != '/')
		return false;
	*s = (struct str){ s->p + 1, s->n - 1 };
	return true;
}

static bool is_date(struct str text)
{
	unsigned month, day, year;

	return number(&text, &month) && slash(&text) && number(&text, &day) &&
	       slash(&text) && number(&text, &year) && text.n == 0 && month >= 1 &&
	       month <= 12 && day >= 1 && day <= 31 && (year < 100 || year >= 1900);
}

static void check_date(struct scan *s, const struct domain *d)
{
	for_each_sysinfo(n, d)
	{
		const struct node *entry =
			is_smbios(n) ? entry_of(n, "bios", "date") : NULL;

		if (entry && entry->text.n && !node_is_variable(entry) &&
		    !is_date(entry->text))
			refused(s, report(s, node_value_at(entry),
					  "invalid BIOS 'date' format '%s', expected "
					  "mm/dd/yyyy",
					  shown(s, entry->text)));
	}
}

/* ---- sysinfo-fwcfg ---- */

static void check_fwcfg(struct scan *s, const struct domain *d)
{
	for_each_sysinfo(all, d)
	{
		struct fact type = ASK(all, "@type");

		if (!fact_is(&type, "fwcfg"))
			continue;
		for (const struct node *n = node_child(all, "entry"); n;
		     n = node_again(n)) {
			struct fact name = ASK(n, "@name"), file = ASK(n, "@file");

			if (fact_absent(&name))
				refused(s, report(s, n->open_at,
						  "firmware entry is missing 'name' "
						  "attribute"));
			else if (!n->text.n && fact_absent(&file))
				refused(s, report(s, n->open_at,
						  "firmware entry must have either value "
						  "or 'file' attribute"));
			else if (d->qemu && fact_known(&name) &&
				 !str_starts(name.v, "opt/"))
				refused(s, report(s, name.at,
						  "invalid firmware name '%s', expected "
						  "one that begins with opt/",
						  shown(s, name.v)));
			else if (d->qemu && fact_known(&name) &&
				 (str_starts(name.v, "opt/ovmf/") ||
				  str_starts(name.v, "opt/org.qemu/")))
				refused(s, report(s, name.at,
						  "that firmware name is reserved: '%s'",
						  shown(s, name.v)));
		}
	}
}

/* ---- sysinfo-mode ---- */

static void check_mode(struct scan *s, const struct domain *d)
{
	struct fact mode = ASK(d->node, "os/smbios@mode");
	const struct node *smbios = NULL;
	struct finding *f;

	for_each_sysinfo(n, d) smbios = is_smbios(n) ? n : smbios;
	if (!d->qemu)
		return;
	if (fact_is(&mode, "sysinfo") && !smbios && !node_child(d->node, "sysinfo")) {
		f = report(s, mode.at,
			   "smbios mode 'sysinfo', and there is no <sysinfo>");
		report_label(s, f,
			     "libvirt does not start the domain: sysinfo are not "
			     "available");
	} else if (smbios && smbios->first && fact_is_not(&mode, "sysinfo")) {
		f = report(
			s, smbios->open_at,
			"<sysinfo type='smbios'>, and no <smbios mode='sysinfo'/> in <os>");
		report_label(s, f, "the guest does not see it");
		report_lower(f);
	}
}

static bool fix_mode(struct plan *p, const struct finding *f, const struct domain *d)
{
	struct fact mode = ASK(d->node, "os/smbios@mode");

	(void)f;
	if (fact_is(&mode, "sysinfo"))
		return plan_refuse(p, "what the guest is to see is to be written");
	plan_title(p, "<smbios mode='sysinfo'/>");
	return plan_set(p, &mode, "sysinfo");
}

const struct rule rules_sysinfo[] = {
	{ .id = "sysinfo-date",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a date of the BIOS that is none",
	  .why = "libvirt refuses the domain: SMBIOS has month, day and year with slashes.",
	  .steps = "<entry name='date'>04/01/2023</entry>",
	  .source = "libvirt, src/conf/domain_conf.c (virSysinfoBIOSParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_date) },
	{ .id = "sysinfo-fwcfg",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an entry of fw_cfg that libvirt does not pass on",
	  .why = "libvirt refuses the domain: an entry has a name that begins with opt/, "
		 "and a value or a file; opt/ovmf/ and opt/org.qemu/ are reserved.",
	  .source = "libvirt, src/conf/domain_conf.c (virSysinfoParseFWCfgDef), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainDefSysinfo)",
	  .since = "0.1.0",
	  CHECK(domain, check_fwcfg) },
	{ .id = "sysinfo-mode",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an SMBIOS that is asked for and not there, or there and not used",
	  .why = "With mode='sysinfo' and no <sysinfo> the domain does not start; a "
		 "<sysinfo> without that mode is stored, and the guest never sees it.",
	  .source = "libvirt, src/qemu/qemu_command.c (qemuBuildSmbiosCommandLine)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_mode, fix_mode) },
	{ .id = "sysinfo-uuid",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a UUID in SMBIOS that is not the domain's",
	  .why = "libvirt refuses the domain: the guest's UUID is <uuid>, or <hwuuid> where "
		 "there is one. Mostly the domain is a copy, and only one was changed.",
	  .source = "libvirt, src/conf/domain_conf.c (virSysinfoSystemParseXML)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_uuid, fix_uuid) },
};
RULES_END(sysinfo);
