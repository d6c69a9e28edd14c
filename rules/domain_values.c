/* What libvirt's parser of domains refuses of a single value: words, numbers, switches.
 * libvirt, src/conf (virXMLPropEnum, virXMLPropUInt, virXMLPropTristateBool ...).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_table.h"
#include "rules/near.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/cpuset.h"
#include "base/banned.h"

enum { WORD_BYTES = 64 };

/* "attribute 'cache' in element 'driver'", as libvirt says it. */
static const char *name_of(struct scan *s, const struct node *n)
{
	if (n->kind == NODE_ATTRIBUTE)
		return scan_printf(s, "attribute '%s' in element '%s'", shown(s, n->key),
				   shown(s, n->up->key));
	return scan_printf(s, "element '%s'", shown(s, n->key));
}

static bool word_copy(char to[WORD_BYTES], struct str word)
{
	if (word.n >= WORD_BYTES)
		return false;
	memcpy(to, word.p, word.n);
	to[word.n] = '\0';
	return true;
}

/* ---- domain-value-unknown ---- */

static char folded(char c)
{
	return 'A' <= c && c <= 'Z' ? (char)(c | 0x20) : c == '_' ? '-' : c;
}

/* Written otherwise, and no other word: READ, host_model. n 0: it is another one. */
static struct str same_word(struct str value, const char *words)
{
	struct str rest = str_of(words);

	while (rest.n) {
		struct str word = str_word(&rest);
		size_t i = 0;

		while (i < word.n && word.n == value.n &&
		       folded(word.p[i]) == folded(value.p[i]))
			i++;
		if (i == value.n && word.n == value.n)
			return word;
	}
	return (struct str){ 0 };
}

static void meet_word(struct scan *s, const struct domain_value *v, const struct node *n)
{
	struct finding *f;
	struct str meant;

	if (str_among(n->text, v->words))
		return;
	meant = same_word(n->text, v->words);
	meant = meant.n ? meant : near_among(n->text, v->words);
	f = report(s, node_value_at(n), "invalid value for %s: '%s', expected %s%s",
		   name_of(s, n), shown(s, n->text),
		   strchr(v->words, ' ') ? "one of: " : "", near_list(s, v->words));
	if (meant.n)
		report_label(s, f, DOMAIN_REFUSES "; did you mean '%.*s'?",
			     STR_ARG(meant));
	else
		report_label(s, f, DOMAIN_REFUSES);
}

static void check_words(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_WORDS, meet_word);
}

/* The value that the finding is about. */
static const struct node *found_in(const struct finding *f, const struct domain *d)
{
	const struct node *n = node_at(d->node, f->at);

	return n;
}

static bool set_word(struct plan *p, const struct finding *f, const struct node *n,
		     struct str word)
{
	if (!word.n)
		return plan_refuse(p, "what was meant can only be guessed");
	if (f->at.len != n->text.n)
		return plan_refuse(p, "its value is written with entities");
	if (n->kind == NODE_ATTRIBUTE)
		plan_title(p, "%.*s='%.*s'", STR_ARG(n->key), STR_ARG(word));
	else
		plan_title(p, "<%.*s>%.*s", STR_ARG(n->key), STR_ARG(word));
	return plan_replace(p, f->at, word);
}

static bool fix_word(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct node *n = found_in(f, d);
	const struct domain_value *v = domain_value_of(d, n, VALUE_WORDS);

	if (!v)
		return plan_refuse(p, "what was meant can only be guessed");
	return set_word(p, f, n, same_word(n->text, v->words));
}

/* ---- domain-value-bool ---- */

static struct str switch_meant(struct str value, bool on_off)
{
	static const char yes[] = "yes on true 1 enable enabled y",
			  no[] = "no off false 0 disable disabled n";
	char word[WORD_BYTES];

	if (!word_copy(word, value))
		return (struct str){ 0 };
	for (char *c = word; *c; c++)
		*c = folded(*c);
	if (str_among(str_of(word), yes))
		return on_off ? STR("on") : STR("yes");
	if (str_among(str_of(word), no))
		return on_off ? STR("off") : STR("no");
	return (struct str){ 0 };
}

static void meet_switch(struct scan *s, const struct domain_value *v,
			const struct node *n)
{
	struct finding *f;
	struct str meant;

	if (str_among(n->text, v->words))
		return;
	f = report(s, node_value_at(n), "invalid value for %s: '%s', expected %s",
		   name_of(s, n), shown(s, n->text),
		   v->kind == VALUE_YESNO ? "yes or no" : "on or off");
	meant = switch_meant(n->text, v->kind == VALUE_ONOFF);
	if (meant.n)
		report_label(s, f, DOMAIN_REFUSES "; here it is '%.*s'", STR_ARG(meant));
	else
		report_label(s, f, DOMAIN_REFUSES);
}

static void check_switches(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_YESNO | 1u << VALUE_ONOFF, meet_switch);
}

static bool fix_switch(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct node *n = found_in(f, d);
	bool on_off = domain_value_of(d, n, VALUE_ONOFF) != NULL;

	return set_word(p, f, n, switch_meant(n->text, on_off));
}

/* ---- domain-value-number ---- */

enum number { NUMBER_FINE, NUMBER_NONE, NUMBER_LOW, NUMBER_ZERO, NUMBER_HIGH };

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (folded(c) >= 'a' && folded(c) <= 'f')
		return (unsigned)(folded(c) - 'a') + 10;
	return 99;
}

/* As strtoul() does, but all of it. */
static enum number number_of(const struct domain_value *v, struct str text)
{
	unsigned base = v->base;
	uint64_t sum = 0, most = v->most;
	bool minus, prefixed;

	while (text.n && strchr(" \t\n\r", text.p[0]))
		text = (struct str){ text.p + 1, text.n - 1 };
	minus = text.n && text.p[0] == '-';
	if (minus || (text.n && text.p[0] == '+'))
		text = (struct str){ text.p + 1, text.n - 1 };
	prefixed = text.n > 2 && text.p[0] == '0' && folded(text.p[1]) == 'x';
	if (prefixed && (base == 0 || base == 16)) {
		base = 16;
		text = (struct str){ text.p + 2, text.n - 2 };
	}
	if (base == 0)
		base = text.n > 1 && text.p[0] == '0' ? 8 : 10;
	if (text.n == 0)
		return NUMBER_NONE;
	if (minus)
		most = v->least < 0 ? (uint64_t) - (v->least + 1) + 1 : most;
	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = digit_of(text.p[i]);

		if (digit >= base)
			return NUMBER_NONE;
		if (sum > (UINT64_MAX - digit) / base)
			sum = UINT64_MAX;
		else
			sum = sum * base + digit;
	}
	if (minus && v->least >= 0)
		return NUMBER_LOW;
	if (sum > most)
		return NUMBER_HIGH;
	return sum == 0 && v->least == 1 ? NUMBER_ZERO : NUMBER_FINE;
}

static const char *known_units(struct scan *s, const struct node *unit)
{
	static const char units[] =
		"b byte bytes k kb kib m mb mib g gb gib t tb tib p pb "
		"pib e eb eib";
	char word[WORD_BYTES];

	(void)s;
	if (!unit || unit->text.n == 0 || node_is_variable(unit))
		return NULL;
	if (word_copy(word, unit->text)) {
		for (char *c = word; *c; c++)
			*c = 'A' <= *c && *c <= 'Z' ? (char)(*c | 0x20) : *c;
		if (str_among(str_of(word), units))
			return NULL;
	}
	return "bytes, KB, KiB, MB, MiB, GB, GiB, TB or TiB";
}

static void meet_number(struct scan *s, const struct domain_value *v,
			const struct node *n)
{
	enum number is = number_of(v, n->text);
	const char *what = NULL, *units;
	const struct node *unit;
	struct finding *f;

	if (is == NUMBER_ZERO)
		what = "zero is not permitted";
	else if (is == NUMBER_HIGH)
		what = scan_printf(s, "expected at most %llu",
				   (unsigned long long)v->most);
	else if (is != NUMBER_FINE)
		what = v->least < 0 ? "expected an integer"
		       : v->kind == VALUE_SIZE
			       ? "expected a size, and its unit as an attribute"
			       : "expected a non-negative integer";
	if (what) {
		f = report(s, node_value_at(n), "invalid value for %s: '%s', %s",
			   name_of(s, n), shown(s, n->text), what);
		report_label(s, f, DOMAIN_REFUSES);
	}
	if (v->kind != VALUE_SIZE)
		return;
	unit = node_attr(n->kind == NODE_ATTRIBUTE ? n->up : n, "unit");
	units = known_units(s, unit);
	if (!units)
		return;
	f = report(s, unit->text_at, "invalid value for %s: '%s', expected %s",
		   name_of(s, unit), shown(s, unit->text), units);
	report_label(s, f, DOMAIN_REFUSES ": unknown suffix");
}

static void check_numbers(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_NUMBER | 1u << VALUE_SIZE, meet_number);
}

/* ---- domain-value-format ---- */

/* virUUIDParse(): 32 hexadecimal digits; dashes and blanks between them are let pass. */
static bool is_uuid(struct str text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (digit_of(text.p[i]) < 16)
			digits++;
		else if (text.p[i] != '-' && text.p[i] != ' ')
			return false;
	}
	return digits == 32;
}

/* virMacAddrParse(): six numbers of one or two digits. */
static bool is_mac(struct str text)
{
	unsigned groups = 1, digits = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ':' && digits) {
			groups++;
			digits = 0;
		} else if (digit_of(text.p[i]) >= 16 || ++digits > 2) {
			return false;
		}
	}
	return groups == 6 && digits;
}

static void meet_format(struct scan *s, const struct domain_value *v,
			const struct node *n)
{
	bool mac = v->kind == VALUE_MAC;
	struct finding *f;

	if (mac ? is_mac(n->text) : is_uuid(n->text))
		return;
	f = report(s, node_value_at(n), "%s '%s', expected %s",
		   mac ? "unable to parse mac address" : "malformed uuid",
		   shown(s, n->text),
		   mac ? "six hexadecimal numbers with colons between them"
		       : "32 hexadecimal digits");
	report_label(s, f, DOMAIN_REFUSES);
}

static void check_formats(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_UUID | 1u << VALUE_MAC, meet_format);
}

/* ---- domain-value-cpuset ---- */

static void meet_cpuset(struct scan *s, const struct domain_value *v,
			const struct node *n)
{
	struct finding *f;
	struct cpuset set;

	if (!cpuset_read(&set, n->text)) {
		f = report(s, node_value_at(n), "failed to parse bitmap '%s' of %s",
			   shown(s, n->text), name_of(s, n));
		report_label(s, f, DOMAIN_REFUSES "; such sets are 0-3,^2,8");
	} else if (v->most == 0 && cpuset_empty(&set)) {
		f = report(s, node_value_at(n),
			   "invalid value of %s: nothing is left of '%s'", name_of(s, n),
			   shown(s, n->text));
		report_label(s, f, DOMAIN_REFUSES);
	}
}

static void check_cpusets(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_CPUSET, meet_cpuset);
}

/* ---- domain-value-missing ---- */

static void meet_missing(struct scan *s, const struct domain_value *v,
			 const struct node *n)
{
	struct finding *f =
		report(s, n->open_at, "missing required attribute '%s' in element '%s'",
		       v->attribute, shown(s, n->key));

	report_label(s, f, DOMAIN_REFUSES);
}

static void check_missing(struct scan *s, const struct domain *d)
{
	domain_each_value(s, d, 1u << VALUE_REQUIRED, meet_missing);
}

const struct rule rules_domain_values[] = {
	{ .id = "domain-value-bool",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a switch that is neither yes nor no, or neither on nor off",
	  .why = "Some of libvirt's switches are yes and no, others on and off, and none "
		 "is true or 1. libvirt refuses the domain.",
	  .source = "libvirt, src/util/virxml.c (virXMLPropTristateBool, "
		    "virXMLPropTristateSwitch)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_switches, fix_switch) },
	{ .id = "domain-value-cpuset",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a set of CPUs or of NUMA nodes that cannot be read, or is empty",
	  .why = "libvirt refuses the domain: a set is numbers and ranges with commas "
		 "between them, ^ takes one out, and something has to be left.",
	  .source = "libvirt, src/util/virbitmap.c (virBitmapParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_cpusets) },
	{ .id = "domain-value-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a UUID or a MAC address that cannot be read",
	  .why = "libvirt refuses the domain.",
	  .steps = "`uuidgen` makes a UUID. Without <uuid> and without <mac> libvirt "
		   "makes both by itself.",
	  .source = "libvirt, src/util/viruuid.c (virUUIDParse), src/util/virmacaddr.c "
		    "(virMacAddrParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_formats) },
	{ .id = "domain-value-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an attribute that libvirt cannot do without",
	  .why = "libvirt refuses the domain: the element means nothing without it.",
	  .source = "libvirt, src/util/virxml.c (VIR_XML_PROP_REQUIRED), src/conf",
	  .since = "0.1.0",
	  CHECK(domain, check_missing) },
	{ .id = "domain-value-number",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a number that libvirt cannot read, or that is out of range",
	  .why = "libvirt refuses the domain: the value is no number, is negative, is "
		 "zero where zero means nothing, or does not fit.",
	  .steps = "Most numbers are decimal and have no unit; a size has its unit in an "
		   "attribute: <memory unit='GiB'>4</memory>.",
	  .source = "libvirt, src/util/virxml.c (virXMLPropUInt, virXMLPropInt, "
		    "virParseScaledValue)",
	  .since = "0.1.0",
	  CHECK(domain, check_numbers) },
	{ .id = "domain-value-unknown",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a word that no version of libvirt knows",
	  .why = "libvirt refuses the domain: of a closed list of words it takes these "
		 "and no others, and it looks at their case.",
	  .source = "libvirt, src/util/virxml.c (virXMLPropEnum); the words: "
		    "VIR_ENUM_IMPL in src/conf",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_words, fix_word) },
};
RULES_END(domain_values);
