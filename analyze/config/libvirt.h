/* libvirt domain XML: https://libvirt.org/formatdomain.html
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_LIBVIRT_H
#define ANALYZE_CONFIG_LIBVIRT_H

#include "analyze/model.h"
#include "base/arena.h"

struct host;
struct node;

/* Lowers a <domain> element. Memory is a's, budgeted: NULL past it. */
struct vm *libvirt_vm(const struct node *domain, const struct host *host,
		      struct arena *a);

#endif
