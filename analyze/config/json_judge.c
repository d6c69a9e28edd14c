/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/json_judge.h"
#include "analyze/config/json.h"

#include <jansson.h>

#include "base/banned.h"

static bool same_scalar(const struct node *n, const json_t *j, struct arena *a)
{
	char *end;

	switch (n->type) {
	case SCALAR_STRING:
		return json_is_string(j) &&
		       str_eq(n->text, (struct str){ json_string_value(j),
						     json_string_length(j) });
	case SCALAR_NUMBER:
		return json_is_real(j) &&
		       strtod(arena_str(a, n->text), &end) == json_real_value(j);
	case SCALAR_BOOL:
		return json_is_boolean(j) && json_is_true(j) == str_is(n->text, "true");
	case SCALAR_NULL:
		return json_is_null(j);
	}
	return false;
}

static size_t children_of(const struct node *n)
{
	size_t count = 0;

	for_each_node (c, n)
		count++;
	return count;
}

/* One value, without what is in it. */
static bool same_shape(const struct node *n, const json_t *j, size_t count,
		       struct arena *a)
{
	if (n->kind == NODE_LIST)
		return json_is_array(j) && json_array_size(j) == count;
	if (n->kind == NODE_MAP)
		return json_is_object(j) && json_object_size(j) <= count;
	return same_scalar(n, j, a);
}

static const struct node *differs(const struct node *n, const json_t *j, struct arena *a);

static const struct node *member_differs(const struct node *c, const json_t *object,
					 struct arena *a)
{
	const json_t *j = json_object_get(object, arena_str(a, c->key));

	return j ? differs(c, j, a) : c;
}

/* Members of one name: only the last of them is told. */
static const struct node *doubles_differ(const struct node *n, const json_t *j,
					 struct arena *a)
{
	const struct node *found = NULL, **v;
	size_t count, names = 0;

	v = node_by_key(n, a, &count);
	if (!v)
		return n;
	for (size_t i = 0; i < count && !found; i++) {
		if (i + 1 < count && str_eq(v[i]->key, v[i + 1]->key))
			continue;
		names++;
		found = member_differs(v[i], j, a);
	}
	return found || names == json_object_size(j) ? found : n;
}

/* Trees are no deeper than JSON_DEPTH_MAX. Returns what differs, or NULL. */
static const struct node *differs(const struct node *n, const json_t *j, struct arena *a)
{
	size_t count = children_of(n), i = 0;
	const struct node *found = NULL;

	if (!same_shape(n, j, count, a))
		return n;
	if (n->kind == NODE_MAP && json_object_size(j) < count)
		return doubles_differ(n, j, a);
	for (const struct node *c = n->first; c && !found; c = c->next, i++) {
		if (n->kind == NODE_LIST)
			found = differs(c, json_array_get(j, i), a);
		else
			found = member_differs(c, j, a);
	}
	return found;
}

void json_judge(struct view text, const struct node *root, struct arena *a,
		struct json_verdict *v)
{
	json_error_t error = { 0 };
	json_t *j = json_loadb((const char *)text.p, text.n,
			       JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
			       &error);

	*v = (struct json_verdict){ .accepted = j != NULL };
	if (j) {
		v->differs = differs(root, j, a);
		json_decref(j);
		return;
	}
	v->no_memory = json_error_code(&error) == json_error_out_of_memory;
	v->line = error.line > 0 ? (unsigned)error.line : 0;
	v->column = error.column > 0 ? (unsigned)error.column : 0;
	snprintf(v->why, sizeof(v->why), "%s", error.text);
}

const char *json_judge_version(void)
{
	return jansson_version_str();
}
