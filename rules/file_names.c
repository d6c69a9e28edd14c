/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/file_names.h"
#include "base/banned.h"

/* QEMU, block.c, path_has_protocol(). */
struct str name_protocol(struct str name)
{
	for (size_t i = 0; i < name.n && name.p[i] != '/'; i++) {
		struct str word = { name.p, i };

		if (name.p[i] != ':')
			continue;
		if (str_is(word, "file") || str_is(word, "host_device") ||
		    str_is(word, "host_cdrom"))
			break;
		return word;
	}
	return (struct str){ 0 };
}

bool name_is_of_the_system(struct str name)
{
	static const char *const folders[] = { "etc/", "proc/", "sys/" };
	size_t from = 0;

	if (name.n == 0)
		return false;
	if (str_starts(name, "file:"))
		from = 5;
	name = (struct str){ name.p + from, name.n - from };
	/* Climbing out of where it is leads to the root, if it goes on for long enough. */
	from = 0;
	while (from < name.n) {
		struct str rest = { name.p + from, name.n - from };

		if (str_starts(rest, "../"))
			from += 3;
		else if (from && str_starts(rest, "./"))
			from += 2;
		else if (str_starts(rest, "/"))
			from += 1;
		else
			break;
	}
	name = (struct str){ name.p + from, name.n - from };
	for (size_t i = 0; from && i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (str_starts(name, folders[i]))
			return true;
	}
	return false;
}
