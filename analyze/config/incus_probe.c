/* Is a text one of Incus's? Its first lines decide, by their keys, without a parser.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/incus.h"
#include "base/banned.h"

/* Root keys that tell of something. */
enum {
	ROOT_HOLDER = 1 << 0, /* config, devices, profiles ... */
	ROOT_IMAGE = 1 << 1,  /* creation_date */
	ROOT_POOLS = 1 << 2,
	ROOT_LIST = 1 << 3,   /* "- name: ..." */
	ROOT_OTHER = 1 << 4,  /* somebody else's */
	ROOT_COMMON = 1 << 5, /* of instances and profiles, and of many others */
	ROOT_UNKNOWN = 1 << 6,
};

struct seen {
	unsigned root;
	bool instance_key, device, pool_driver, properties, expanded;
	bool empty;  /* "config: {}", or nothing below it */
	bool config; /* the root key that was last is config */
	bool within; /* lines that are indented are looked into */
};

struct root_key {
	const char *name;
	unsigned is;
};

static unsigned root_of(struct str key)
{
	static const struct root_key keys[] = {
		{ "config", ROOT_HOLDER },
		{ "devices", ROOT_HOLDER },
		{ "expanded_config", ROOT_HOLDER },
		{ "expanded_devices", ROOT_HOLDER },
		{ "profiles", ROOT_HOLDER },
		{ "instances", ROOT_HOLDER },
		{ "container", ROOT_HOLDER },
		{ "instance", ROOT_HOLDER },
		{ "creation_date", ROOT_IMAGE },
		{ "storage_pools", ROOT_POOLS },
		{ "architecture", ROOT_COMMON },
		{ "created_at", ROOT_COMMON },
		{ "description", ROOT_COMMON },
		{ "ephemeral", ROOT_COMMON },
		{ "last_used_at", ROOT_COMMON },
		{ "location", ROOT_COMMON },
		{ "name", ROOT_COMMON },
		{ "project", ROOT_COMMON },
		{ "stateful", ROOT_COMMON },
		{ "status", ROOT_COMMON },
		{ "status_code", ROOT_COMMON },
		{ "type", ROOT_COMMON },
		{ "used_by", ROOT_COMMON },
		/* Kubernetes, Compose, CI, netplan; volumes and networks of Incus */
		{ "apiVersion", ROOT_OTHER },
		{ "kind", ROOT_OTHER },
		{ "services", ROOT_OTHER },
		{ "jobs", ROOT_OTHER },
		{ "stages", ROOT_OTHER },
		{ "network", ROOT_OTHER },
		{ "content_type", ROOT_OTHER },
		{ "ingress", ROOT_OTHER },
		{ "egress", ROOT_OTHER },
		{ "addresses", ROOT_OTHER },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (str_is(key, keys[i].name))
			return keys[i].is;
	}
	return ROOT_UNKNOWN;
}

static struct str unquoted(struct str s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return (struct str){ s.p + 1, s.n - 2 };
	return s;
}

/* "key: value". False: this line has no key. */
static bool cut_line(struct str line, struct str *key, struct str *value)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != ':' || (i + 1 < line.n && line.p[i + 1] != ' '))
			continue;
		*key = unquoted(str_trim((struct str){ line.p, i }));
		*value = unquoted(
			str_trim((struct str){ line.p + i + 1, line.n - i - 1 }));
		return true;
	}
	return false;
}

/* Within something: what kind of thing is it? */
static void look_inside(struct seen *s, struct str key, struct str value);

/* "{path: /, type: disk}": each piece between brackets and commas. */
static void look_flow(struct seen *s, struct str line)
{
	struct str key, value;
	size_t from = 0;

	for (size_t i = 0; i <= line.n; i++) {
		if (i < line.n && !strchr("{}[],", line.p[i]))
			continue;
		if (cut_line(str_trim((struct str){ line.p + from, i - from }), &key,
			     &value))
			look_inside(s, key, value);
		from = i + 1;
	}
}

static void look_inside(struct seen *s, struct str key, struct str value)
{
	s->instance_key |= incus_is_instance_key(key);
	s->device |= str_is(key, "type") && incus_is_device_type(value);
	if (str_starts(value, "{"))
		look_flow(s, value);
	s->pool_driver |= str_is(key, "driver");
	s->expanded |= str_is(key, "expanded_config") || str_is(key, "expanded_devices");
}

/* False: this is no YAML, or not ours. */
static bool look_at(struct seen *s, struct str line)
{
	size_t indent = 0;
	struct str key, value;

	while (indent < line.n &&
	       (line.p[indent] == ' ' || (line.p[indent] == '-' && indent + 1 < line.n &&
					  line.p[indent + 1] == ' ')))
		indent++;
	line.p += indent;
	line.n -= indent;
	line = str_trim(line);
	if (line.n == 0 || line.p[0] == '#' || line.p[0] == '%' ||
	    str_starts(line, "---") || str_starts(line, "..."))
		return true;
	if (indent > 0) {
		s->empty &= !s->config;
		if (s->within && cut_line(line, &key, &value))
			look_inside(s, key, value);
		return true;
	}
	if (!cut_line(line, &key, &value))
		/* A closing bracket, "-" alone, or a template's line. */
		return strchr("]}-{<", line.p[0]) != NULL;
	s->root |= root_of(key);
	s->config = str_is(key, "config");
	if (s->config)
		s->empty = value.n == 0 || str_is(value, "{}");
	s->properties |= str_is(key, "properties");
	/* "devices: {root: {type: disk}}" */
	if (root_of(key) == ROOT_HOLDER)
		look_inside(s, key, value);
	return !(s->root & ROOT_OTHER);
}

/* Every line. False: this is no YAML, or not ours. */
static bool look_through(struct seen *s, struct str rest)
{
	s->config = false;
	while (rest.n) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		struct str line = { rest.p, nl ? (size_t)(nl - rest.p) : rest.n };

		if (memchr(line.p, '\0', line.n))
			return false;
		if (str_starts(line, "- "))
			s->root |= ROOT_LIST;
		/* A line can be as long as somebody's cloud-init is; its key is at its begin. */
		if (!look_at(s, (struct str){ line.p, line.n < 4096 ? line.n : 4096 }))
			return false;
		rest.p += line.n + (nl != NULL);
		rest.n -= line.n + (nl != NULL);
	}
	return true;
}

bool incus_probe(struct view head)
{
	struct str text = str_view(head);
	struct seen s = { 0 };

	if (view_eq(head, 0, "\xef\xbb\xbf", 3))
		text = (struct str){ text.p + 3, text.n - 3 };
	if (!look_through(&s, text))
		return false;
	/* Few texts have a root key for which it matters what is below. */
	s.within = (s.root & (ROOT_HOLDER | ROOT_POOLS | ROOT_LIST)) != 0;
	if (s.within)
		(void)look_through(&s, text);
	if ((s.root & ROOT_HOLDER) && (s.instance_key || s.device))
		return true;
	/* An instance or a profile that says nothing. */
	if ((s.root & ROOT_COMMON) && s.empty && !(s.root & ROOT_UNKNOWN))
		return true;
	if ((s.root & ROOT_POOLS) && s.pool_driver)
		return true;
	if ((s.root & ROOT_LIST) && s.expanded)
		return true;
	return (s.root & ROOT_IMAGE) && s.properties;
}
