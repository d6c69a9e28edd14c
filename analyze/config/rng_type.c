/* Data types of RELAX NG schemas, as libxml2 knows them: the same functions that it asks
 * itself when it validates. XML Schema Part 2: Datatypes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/rng.h"

#include <libxml/xmlschemastypes.h>

#include "base/banned.h"

#define XSD "http://www.w3.org/2001/XMLSchema"

/* A longer value is taken for right: asking takes too long. */
enum { VALUE_MAX = 64 << 10, PARAMS_MAX = 8, PATTERN_SHOWN_MAX = 48 };

#ifndef LIBXML_SCHEMAS_ENABLED
#error "this libxml2 was built without its schemas"
#endif

struct rng_type {
	const char *name;
	xmlSchemaTypePtr xsd;
	struct {
		const char *name, *value;
		xmlSchemaFacetPtr facet;
	} param[PARAMS_MAX];
	size_t nparams;
	struct rng_type *next;
};

static const struct {
	const char *name;
	xmlSchemaTypeType type;
} facets[] = {
	{ "totalDigits", XML_SCHEMA_FACET_TOTALDIGITS },
	{ "fractionDigits", XML_SCHEMA_FACET_FRACTIONDIGITS },
	{ "minInclusive", XML_SCHEMA_FACET_MININCLUSIVE },
	{ "minExclusive", XML_SCHEMA_FACET_MINEXCLUSIVE },
	{ "maxInclusive", XML_SCHEMA_FACET_MAXINCLUSIVE },
	{ "maxExclusive", XML_SCHEMA_FACET_MAXEXCLUSIVE },
	{ "pattern", XML_SCHEMA_FACET_PATTERN },
	{ "enumeration", XML_SCHEMA_FACET_ENUMERATION },
	{ "whiteSpace", XML_SCHEMA_FACET_WHITESPACE },
	{ "length", XML_SCHEMA_FACET_LENGTH },
	{ "maxLength", XML_SCHEMA_FACET_MAXLENGTH },
	{ "minLength", XML_SCHEMA_FACET_MINLENGTH },
};

struct rng_type *rng_type_new(struct arena *a, struct str name)
{
	struct rng_type *t = arena_new(a, struct rng_type);

	t->name = arena_str(a, name);
	t->xsd = xmlSchemaGetPredefinedType((const xmlChar *)t->name,
					    (const xmlChar *)XSD);
	return t->xsd ? t : NULL;
}

bool rng_type_param(struct rng_type *t, struct arena *a, struct str name,
		    struct str value)
{
	xmlSchemaFacetPtr f;
	size_t i = 0;

	while (i < sizeof(facets) / sizeof(facets[0]) && !str_is(name, facets[i].name))
		i++;
	if (i == sizeof(facets) / sizeof(facets[0]) || t->nparams == PARAMS_MAX)
		return false;
	f = xmlSchemaNewFacet();
	if (!f)
		return false;
	t->param[t->nparams].name = facets[i].name;
	t->param[t->nparams].value = arena_str(a, value);
	t->param[t->nparams].facet = f;
	f->type = facets[i].type;
	f->value = (const xmlChar *)t->param[t->nparams].value;
	t->nparams++;
	return xmlSchemaCheckFacet(f, t->xsd, NULL, (const xmlChar *)t->name) == 0;
}

bool rng_type_has(const struct rng_type *t, struct rng_text text, struct arena *scratch)
{
	xmlSchemaValPtr value = NULL;
	const xmlChar *s;
	bool ok;

	if (!text.p || text.n > VALUE_MAX)
		return true;
	s = (const xmlChar *)arena_str(scratch, (struct str){ text.p, text.n });
	ok = xmlSchemaValPredefTypeNode(t->xsd, s, &value, NULL) == 0;
	for (size_t i = 0; ok && i < t->nparams; i++)
		ok = xmlSchemaValidateFacet(t->xsd, t->param[i].facet, s, value) == 0;
	xmlSchemaFreeValue(value);
	return ok;
}

static const char *param(const struct rng_type *t, const char *name)
{
	for (size_t i = 0; i < t->nparams; i++) {
		if (strcmp(t->param[i].name, name) == 0)
			return t->param[i].value;
	}
	return NULL;
}

static bool is_number(const struct rng_type *t)
{
	static const char *const names[] = { "byte",
					     "decimal",
					     "int",
					     "integer",
					     "long",
					     "negativeInteger",
					     "short",
					     "nonNegativeInteger",
					     "unsignedByte",
					     "unsignedInt",
					     "unsignedLong",
					     "unsignedShort",
					     "double",
					     "float",
					     "positiveInteger" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(t->name, names[i]) == 0)
			return true;
	}
	return false;
}

/* For a regular expression that is known. */
static const char *words_for(const char *pattern)
{
	static const struct {
		const char *pattern, *words;
	} known[] = {
#define PATTERN(pattern, words) { pattern, words },
#include "analyze/config/schema_words.def"
#undef PATTERN
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].pattern, pattern) == 0)
			return known[i].words;
	}
	return NULL;
}

const char *rng_type_says(const struct rng_type *t, struct arena *a)
{
	const char *pattern = param(t, "pattern");
	const char *min = param(t, "minInclusive"), *max = param(t, "maxInclusive");

	if (is_number(t) && (!pattern || (min && max))) {
		if (!min && (strncmp(t->name, "unsigned", 8) == 0 ||
			     strncmp(t->name, "nonNegative", 11) == 0))
			min = "0";
		if (!min && strcmp(t->name, "positiveInteger") == 0)
			min = "1";
		if (min && max)
			return arena_printf(a, "a number from %s to %s", min, max);
		if (min)
			return arena_printf(a, "a number from %s on", min);
		return "a number";
	}
	if (pattern && words_for(pattern))
		return words_for(pattern);
	if (pattern && strlen(pattern) <= PATTERN_SHOWN_MAX)
		return arena_printf(a, "text like %s", pattern);
	return NULL;
}

struct rng_type **rng_type_next(struct rng_type *t)
{
	return &t->next;
}

void rng_type_free(struct rng_type *t)
{
	for (size_t i = 0; i < t->nparams; i++)
		xmlSchemaFreeFacet(t->param[i].facet);
}
