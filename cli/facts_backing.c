/* What is known of the other files that a QCOW2 is made of, and of the disk in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/backing.h"
#include "analyze/unit.h"
#include "cli/facts.h"
#include "base/banned.h"

static const char *state_word(enum backing_state s)
{
	static const char *const words[] = {
		[BACKING_OPENED] = "opened",     [BACKING_NO_NAME] = "no name",
		[BACKING_PROTOCOL] = "protocol", [BACKING_OUTSIDE] = "outside",
		[BACKING_MISSING] = "missing",   [BACKING_SPECIAL] = "special file",
		[BACKING_FAILED] = "failed",     [BACKING_LOOP] = "loop",
		[BACKING_DEEP] = "too deep",     [BACKING_FORMAT] = "format",
		[BACKING_DAMAGED] = "damaged",   [BACKING_DETACHED] = "not looked for",
	};

	return words[s];
}

static void one_file(struct facts *f, const struct backing *b, bool data)
{
	facts_word(f, "name", arena_str(f->arena, b->name));
	if (b->path)
		facts_word(f, "path", b->path);
	facts_word(f, "state", state_word(b->state));
	if (b->why)
		facts_word(f, "unreadable", b->why);
	if (b->declared.n)
		facts_word(f, "declared_format", arena_str(f->arena, b->declared));
	if (b->found && !data)
		facts_word(f, "found_format", b->found);
	if (b->source)
		facts_size(f, "size", b->source->size);
}

static void data_file(struct facts *f, const struct backing *b)
{
	if (!b)
		return;
	facts_group(f, "data_file_found");
	one_file(f, b, true);
	facts_group_end(f);
}

void facts_of_chain(struct facts *f, const struct unit *u)
{
	data_file(f, u->data_file);
	if (u->backing)
		facts_list(f, "backing_chain");
	for (const struct backing *b = u->backing; b; b = b->backing) {
		facts_item(f, "backing file");
		one_file(f, b, false);
		data_file(f, b->data_file);
		facts_group_end(f);
	}
	if (u->backing)
		facts_list_end(f);
	facts_word(f, "guest_disk", u->guest_why ? u->guest_why : "read");
}
