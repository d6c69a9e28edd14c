/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/pe.h"

#include "base/banned.h"

enum {
	MZ_HEADER = 64,
	MZ_OFF_NEW = 60, /* u32: where the PE header is */

	/* from its signature */
	PE_OFF_MACHINE = 4,
	PE_OFF_MAGIC = 24, /* u16: of the optional header, which begins here */
	PE_OFF_SUBSYSTEM = 24 + 68,
	/* u32 each: how many directories, and then the fifth of them */
	PE32_OFF_DIRECTORIES = 24 + 92,
	PE64_OFF_DIRECTORIES = 24 + 108,
	DIRECTORY_CERTIFICATES = 4,
	DIRECTORY_SIZE = 8,

	PE32_MAGIC = 0x10b,
	PE64_MAGIC = 0x20b,
	SUBSYSTEM_EFI_APPLICATION = 10,
	SUBSYSTEM_EFI_RUNTIME = 12,
	CERTIFICATE_MIN = 8, /* WIN_CERTIFICATE without what it certifies with */
};

static const struct {
	uint16_t machine;
	enum efi_arch arch;
} machines[] = {
	{ 0x8664, EFI_X64 },     { 0x014c, EFI_IA32 },        { 0xaa64, EFI_AA64 },
	{ 0x01c0, EFI_ARM },     { 0x01c2, EFI_ARM },         { 0x01c4, EFI_ARM },
	{ 0x5064, EFI_RISCV64 }, { 0x6264, EFI_LOONGARCH64 },
};

/* UEFI 2.10 section 3.5.1.1: the name by which removable media are started. */
static const char *const names[EFI_ARCHES + 1][2] = {
	[EFI_X64] = { "x64", "BOOTX64.EFI" },
	[EFI_IA32] = { "ia32", "BOOTIA32.EFI" },
	[EFI_AA64] = { "aa64", "BOOTAA64.EFI" },
	[EFI_ARM] = { "arm", "BOOTARM.EFI" },
	[EFI_RISCV64] = { "riscv64", "BOOTRISCV64.EFI" },
	[EFI_LOONGARCH64] = { "loongarch64", "BOOTLOONGARCH64.EFI" },
	[EFI_ARCHES] = { "unknown", NULL },
};

const char *efi_arch_name(enum efi_arch a)
{
	return names[a][0];
}

const char *efi_arch_fallback(enum efi_arch a)
{
	return names[a][1];
}

bool pe_find(struct view head, uint64_t *off)
{
	if (!view_has(head, 0, MZ_HEADER) || !view_eq(head, 0, "MZ", 2))
		return false;
	*off = view_le32(head, MZ_OFF_NEW);
	return true;
}

/* The certificate table is the only directory whose address is an offset in the file. */
static struct answer find_certificates(struct view h, uint64_t file, struct span at)
{
	size_t dirs = view_le16(h, PE_OFF_MAGIC) == PE64_MAGIC ? PE64_OFF_DIRECTORIES
							       : PE32_OFF_DIRECTORIES;
	size_t entry = dirs + 4 + DIRECTORY_CERTIFICATES * DIRECTORY_SIZE;
	uint32_t off, len;

	if (!view_has(h, dirs, 4))
		return answer_unknown("its header is cut off", at);
	if (view_le32(h, dirs) <= DIRECTORY_CERTIFICATES)
		return answer_no(NULL, at);
	if (!view_has(h, entry, DIRECTORY_SIZE))
		return answer_unknown("its header is cut off", at);
	off = view_le32(h, entry);
	len = view_le32(h, entry + 4);
	if (len == 0)
		return answer_no(NULL, at);
	if (off == 0 || len < CERTIFICATE_MIN || !range_within(off, len, file))
		return answer_unknown(
			"its certificates would lie past the end of the file", at);
	return answer_yes(at);
}

bool pe_read(struct pe *pe, struct view h, uint64_t file, struct span at)
{
	uint16_t magic;

	*pe = (struct pe){ .arch = EFI_ARCHES };
	if (!view_has(h, 0, PE_OFF_SUBSYSTEM + 2) || !view_eq(h, 0, "PE\0\0", 4))
		return false;
	magic = view_le16(h, PE_OFF_MAGIC);
	if (magic != PE32_MAGIC && magic != PE64_MAGIC)
		return false;
	pe->machine = view_le16(h, PE_OFF_MACHINE);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == pe->machine)
			pe->arch = machines[i].arch;
	}
	pe->subsystem = view_le16(h, PE_OFF_SUBSYSTEM);
	pe->application = pe->subsystem >= SUBSYSTEM_EFI_APPLICATION &&
			  pe->subsystem <= SUBSYSTEM_EFI_RUNTIME;
	pe->certificates = find_certificates(h, file, at);
	return true;
}
