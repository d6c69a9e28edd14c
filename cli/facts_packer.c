/* What is known of how Packer makes a VM.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"
#include "cli/facts.h"
#include "base/banned.h"

#define SHOW(object, member) facts_fact(f, #member, &(object)->member)

static void builder(struct facts *f, const struct builder *b, const char *title)
{
	facts_item(f, title);
	facts_word(f, "type", arena_str(f->arena, b->type));
	SHOW(b, vm_name);
	SHOW(b, communicator);
	SHOW(b, boot_command);
	SHOW(b, disable_vnc);
	SHOW(b, shutdown_command);
	if (str_is(b->type, "qemu")) {
		SHOW(b, format);
		SHOW(b, disk_size);
		SHOW(b, disk_image);
		SHOW(b, use_backing_file);
		SHOW(b, qemuargs);
	}
	if (str_is(b->type, "tart-cli")) {
		SHOW(b, from_ipsw);
		SHOW(b, from_iso);
		SHOW(b, vm_base_name);
		SHOW(b, create_grace_time);
		SHOW(b, disk_format);
		SHOW(b, disk_size_gb);
		SHOW(b, recovery_partition);
		SHOW(b, allow_insecure);
	}
	facts_group_end(f);
}

void facts_of_builders(struct facts *f, const struct unit *u)
{
	if (u->nbuilders == 0)
		return;
	facts_list(f, "builders");
	for (size_t i = 0; i < u->nbuilders; i++)
		builder(f, &u->builders[i],
			u->nbuilders == 1 ? "builder"
					  : arena_printf(f->arena, "builder %zu", i + 1));
	facts_list_end(f);
}
