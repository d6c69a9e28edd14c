/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/program.h"

#include "base/banned.h"

enum {
	/* x86: the setup header */
	X86_FLAG = 0x1fe, /* 55 AA */
	X86_MAGIC = 0x202,
	X86_VERSION = 0x206,
	X86_XLOADFLAGS = 0x236, /* since 2.12; bit 0: its code is for 64 bits */
	X86_WITH_XLOADFLAGS = 0x20c,

	/* arm64, riscv and loongarch, in the place of a DOS header's words */
	IMAGE_MAGIC = 56,
	ARM_MAGIC = 0x24, /* of a zImage: 016F2818, in the byte order of the machine */

	ELF_CLASS = 4,
	ELF_DATA = 5, /* 1: little-endian */
	ELF_MACHINE = 18,
	ELF_HEADER = 52,

	/* a firmware volume */
	FV_GUID = 16,
	FV_SIGNATURE = 40,
};

/* Whose file system it is: EFI_SYSTEM_NV_DATA_FV_GUID, and those of code. */
static const uint8_t fv_variables[] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
					0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50 };
static const uint8_t fv_ffs2[] = { 0x78, 0xe5, 0x8c, 0x8c, 0x3d, 0x8a, 0x1c, 0x4f,
				   0x99, 0x35, 0x89, 0x61, 0x85, 0xc3, 0x2d, 0xd3 };
static const uint8_t fv_ffs3[] = { 0x7a, 0xc0, 0x73, 0x54, 0xcb, 0x3d, 0xca, 0x4d,
				   0xbd, 0x6f, 0x1e, 0x96, 0x89, 0xe7, 0x34, 0x9a };

static struct program found(enum program_kind kind, const char *what, enum efi_arch arch,
			    size_t off, size_t len)
{
	return (struct program){
		.kind = kind, .what = what, .arch = arch, .at = { .off = off, .len = len }
	};
}

/* ---- Linux ---- */

static const char *const kernels[EFI_ARCHES] = {
	[EFI_X64] = "a Linux kernel for x64",
	[EFI_IA32] = "a Linux kernel for ia32",
	[EFI_AA64] = "a Linux kernel for aa64",
	[EFI_ARM] = "a Linux kernel for arm",
	[EFI_RISCV64] = "a Linux kernel for riscv64",
	[EFI_LOONGARCH64] = "a Linux kernel for loongarch64",
};

static struct program kernel(enum efi_arch arch, size_t off, size_t len)
{
	return found(PROGRAM_KERNEL, kernels[arch], arch, off, len);
}

static enum efi_arch x86_arch(struct view v)
{
	bool is64 = view_has(v, X86_XLOADFLAGS, 2) &&
		    view_le16(v, X86_VERSION) >= X86_WITH_XLOADFLAGS &&
		    (view_le16(v, X86_XLOADFLAGS) & 1);

	return is64 ? EFI_X64 : EFI_IA32;
}

static bool find_linux(struct view v, struct program *p)
{
	if (view_eq(v, X86_FLAG, "\x55\xaa", 2) && view_eq(v, X86_MAGIC, "HdrS", 4) &&
	    view_has(v, X86_VERSION, 2))
		*p = kernel(x86_arch(v), X86_MAGIC, 4);
	else if (view_eq(v, IMAGE_MAGIC, "ARM\x64", 4))
		*p = kernel(EFI_AA64, IMAGE_MAGIC, 4);
	else if (view_eq(v, IMAGE_MAGIC, "RSC\x05", 4))
		*p = kernel(EFI_RISCV64, IMAGE_MAGIC, 4);
	else if (view_eq(v, 0, "MZ", 2) && view_eq(v, IMAGE_MAGIC, "\xcd\x23\x82\x81", 4))
		*p = kernel(EFI_LOONGARCH64, IMAGE_MAGIC, 4);
	else if (view_eq(v, ARM_MAGIC, "\x18\x28\x6f\x01", 4))
		*p = kernel(EFI_ARM, ARM_MAGIC, 4);
	else
		return false;
	return true;
}

/* ---- other programs ---- */

struct machine {
	unsigned number;
	enum efi_arch arch;
};

static enum efi_arch arch_of(const struct machine *m, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++) {
		if (m[i].number == number)
			return m[i].arch;
	}
	return EFI_ARCHES;
}

#define ARCH_OF(table, number)                                                           \
	arch_of((table), sizeof(table) / sizeof((table)[0]), (number))

static bool find_elf(struct view v, struct program *p)
{
	static const struct machine machines[] = {
		{ 62, EFI_X64 }, { 3, EFI_IA32 },      { 183, EFI_AA64 },
		{ 40, EFI_ARM }, { 243, EFI_RISCV64 }, { 258, EFI_LOONGARCH64 },
	};

	if (!view_eq(v, 0, "\x7f\x45LF", 4) || !view_has(v, 0, ELF_HEADER) ||
	    view_u8(v, ELF_DATA) != 1)
		return false;
	*p = found(PROGRAM_ELF, "an ELF program",
		   ARCH_OF(machines, view_le16(v, ELF_MACHINE)), ELF_MACHINE, 2);
	return true;
}

static bool find_pe(struct view v, struct program *p)
{
	struct pe pe;
	uint64_t off;

	if (!pe_find(v, &off) || off >= v.n)
		return false;
	v = view_cut(v, (size_t)off, v.n - (size_t)off);
	if (!pe_read(&pe, v, UINT32_MAX, (struct span){ 0 }))
		return false;
	*p = found(PROGRAM_PE, "a program for UEFI", pe.arch, (size_t)off, 4);
	return true;
}

/* ---- firmware ---- */

static bool find_volume(struct view v, struct program *p)
{
	if (!view_eq(v, FV_SIGNATURE, "_FVH", 4))
		return false;
	if (view_eq(v, FV_GUID, fv_variables, sizeof(fv_variables)))
		*p = found(PROGRAM_VARIABLES, "a firmware's variables", EFI_ARCHES,
			   FV_GUID, 16);
	else if (view_eq(v, FV_GUID, fv_ffs2, sizeof(fv_ffs2)) ||
		 view_eq(v, FV_GUID, fv_ffs3, sizeof(fv_ffs3)))
		*p = found(PROGRAM_FIRMWARE, "a firmware's code", EFI_ARCHES, FV_GUID,
			   16);
	else
		return false;
	return true;
}

/* ---- archives ---- */

static bool find_archive(struct view v, struct program *p)
{
	static const struct {
		const char *what, *magic;
		size_t n;
		enum program_kind kind;
	} kinds[] = {
		{ "a cpio archive", "070701", 6, PROGRAM_ARCHIVE },
		{ "a cpio archive", "070702", 6, PROGRAM_ARCHIVE },
		{ "gzip data", "\x1f\x8b\x08", 3, PROGRAM_PACKED },
		{ "xz data", "\xfd\x37zXZ\0", 6, PROGRAM_PACKED },
		{ "zstd data", "\x28\xb5\x2f\xfd", 4, PROGRAM_PACKED },
		{ "bzip2 data", "BZh", 3, PROGRAM_PACKED },
		{ "lz4 data", "\x02\x21\x4c\x18", 4, PROGRAM_PACKED },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!view_eq(v, 0, kinds[i].magic, kinds[i].n))
			continue;
		*p = found(kinds[i].kind, kinds[i].what, EFI_ARCHES, 0, kinds[i].n);
		return true;
	}
	return false;
}

struct program program_of_head(struct view head)
{
	struct program p;

	if (find_linux(head, &p) || find_elf(head, &p) || find_pe(head, &p) ||
	    find_volume(head, &p) || find_archive(head, &p))
		return p;
	return (struct program){ .arch = EFI_ARCHES };
}

bool program_runs_on(const struct program *p, enum efi_arch arch)
{
	if (p->arch == EFI_ARCHES || arch == EFI_ARCHES || p->arch == arch)
		return true;
	/* Those of 64 bits run the code of 32 as well. */
	return (p->arch == EFI_IA32 && arch == EFI_X64) ||
	       (p->arch == EFI_ARM && arch == EFI_AA64);
}
