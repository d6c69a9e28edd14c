/* How a setting is written where it stands: cache='none' in libvirt's XML, cache=none on a
 * command line of QEMU. For messages of rules that serve several flavours.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_WORDS_H
#define RULES_WORDS_H

#include "rules/rule.h"

/* A label of what libvirt does not even define. AT_START of clash.h: it does, and no more. */
#define DOMAIN_REFUSES "libvirt refuses the domain"

/* The words are QEMU's own options. */
static inline bool says_qemu(const struct vm *vm)
{
	return vm->flavour == FLAVOUR_QEMU;
}

/* "'" or "": what stands around values. */
static inline const char *quote_of(const struct vm *vm)
{
	return says_qemu(vm) ? "" : "'";
}

/* Who refuses what is wrong, and when. */
static inline const char *refuses(const struct vm *vm)
{
	if (vm->builder)
		return "Proxmox VE does not start the VM";
	return says_qemu(vm) ? "QEMU exits at start" : DOMAIN_REFUSES;
}

#endif
