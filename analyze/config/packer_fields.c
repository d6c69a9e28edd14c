/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_fields.h"
#include "base/suggest.h"
#include "base/vec.h"

#include "base/banned.h"

/* In the order of their names in small letters. */
static const struct packer_field fields[] = {
#define FIELD(name, kind, builders) { name, PACKER_##kind, builders },
#include "analyze/config/packer_fields.def"
};
enum { NFIELDS = sizeof(fields) / sizeof(fields[0]) };

static int small(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static int by_name(const void *row, const void *key)
{
	const char *name = ((const struct packer_field *)row)->name;
	const struct str *s = key;

	for (size_t i = 0; i < s->n; i++) {
		int order = name[i] == s->p[i] ? 0 : small(name[i]) - small(s->p[i]);

		if (order || !name[i])
			return order ? order : -1;
	}
	return name[s->n] ? 1 : 0;
}

const struct packer_field *packer_field(unsigned builder, struct str name, bool fold)
{
	size_t i = sorted_find(fields, NFIELDS, sizeof(fields[0]), &name, by_name);

	for (; i < NFIELDS && by_name(&fields[i], &name) == 0; i++) {
		if (fields[i].builders & builder &&
		    (fold || str_is(name, fields[i].name)))
			return &fields[i];
	}
	return NULL;
}

const char *packer_field_near(unsigned builder, const char *name)
{
	struct suggestion s = { .word = name };
	const struct packer_field *same = packer_field(builder, str_of(name), true);

	if (same)
		return same->name;
	/* Of another builder, and no slip of the hand. */
	if (packer_field(ALL, str_of(name), false))
		return NULL;
	for (size_t i = 0; i < NFIELDS; i++) {
		if (fields[i].builders & builder)
			suggest(&s, fields[i].name);
	}
	return s.distance <= 2 ? s.best : NULL;
}

const char *packer_fields_unsorted(void)
{
	for (size_t i = 1; i < NFIELDS; i++) {
		const struct packer_field *before = &fields[i - 1], *row = &fields[i];
		struct str name = str_of(row->name);
		int order = by_name(before, &name);

		if (order > 0 || (order == 0 && before->builders & row->builders))
			return row->name;
	}
	return NULL;
}
