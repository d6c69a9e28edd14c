/* Files of QEMU's options, for -readconfig. Recognised by a first line that is a section of
 * QEMU's, and by what such a section says: a device's driver, a drive's file, a machine.
 * QEMU: util/qemu-config.c; docs/config/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/ini.h"
#include "analyze/config/qemu.h"
#include "analyze/unit.h"

#include "base/banned.h"

/* ---- the format ---- */

/* What other programs' files hardly say: [drive "x"] with a file, [device] with a driver,
 * [machine] type = "q35". */
static bool tells_qemu(struct str kind, bool has_id, struct str name, struct str value)
{
	static const char *const drive[] = { "file", "if", "format", "media" };

	if (str_is(kind, "device"))
		return str_is(name, "driver") && (has_id || str_has(value, "-"));
	if (str_is(kind, "machine"))
		return str_is(name, "type") &&
		       (str_has(value, "q35") || str_starts(value, "pc") ||
			str_starts(value, "virt") || str_is(value, "microvm"));
	for (size_t i = 0; str_is(kind, "drive") && i < 4; i++) {
		if (str_is(name, drive[i]))
			return has_id || i > 0;
	}
	return false;
}

static struct str cut(struct str s, struct ini_place p)
{
	return (struct str){ s.p + p.from, p.to - p.from };
}

static bool probe_config(struct view head, const struct source *s)
{
	struct str kind = { 0 }, text = str_view(head);
	bool has_id = false;

	if (s->size > INI_SIZE_MAX || memchr(head.p, '\0', head.n))
		return false;
	for (size_t from = 0; from < text.n;) {
		const char *eol = memchr(text.p + from, '\n', text.n - from);
		size_t end = eol ? (size_t)(eol - text.p) : text.n;
		struct str line = { text.p + from, end - from };
		struct ini_tokens t = ini_line(line);

		if (t.is == INI_HEADER) {
			kind = str_trim(cut(line, t.name));
			has_id = t.value.to > t.value.from;
		} else if (kind.n == 0 && t.is != INI_EMPTY && t.is != INI_BLANK) {
			return false;
		} else if (tells_qemu(kind, has_id, cut(line, t.name),
				      cut(line, t.value))) {
			return true;
		}
		from = end + 1;
	}
	return false;
}

static int read_config(struct unit *u, struct err *e)
{
	struct qemu_command *c;
	struct vm *vm;
	struct ini ini;

	if (unit_read_text(u, e) != 0)
		return -1;
	if (!ini_read(&ini, &u->src, u->text, &u->arena))
		return err_set(e, ERR_LIMIT, "has more lines than memory is allowed for");
	if (ini.why) {
		struct syntax_error *bad = arena_new(&u->arena, struct syntax_error);

		*bad = (struct syntax_error){ .at = ini.why_at, .what = ini.why };
		u->syntax = bad;
		return 0;
	}
	vm = arena_try_new(&u->arena, struct vm);
	c = qemu_command(NULL, 0, &u->arena);
	if (!vm || !c || !qemu_add_sections(c, ini.root, &u->arena))
		return err_set(e, ERR_LIMIT,
			       "has more options than memory is allowed for");
	c->flaws = ini.flaws;
	c->nflaws = ini.nflaws;
	*vm = (struct vm){ .flavour = FLAVOUR_QEMU, .node = ini.root };
	if (!qemu_vm_file(vm, c, u->host, &u->arena))
		return err_set(e, ERR_LIMIT,
			       "has more devices than memory is allowed for");
	u->doc = ini.root;
	u->vms = vm;
	u->nvms = 1;
	return 0;
}

const struct format format_qemu_config = {
	.name = "qemu-config",
	.title = "QEMU options for -readconfig",
	.kind = FORMAT_TEXT,
	.probe = probe_config,
	.read = read_config,
};
