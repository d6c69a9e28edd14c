/* The journal's byte layout, for the files that read and write it. SPEC.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_JOURNAL_FORMAT_H
#define REWRITE_JOURNAL_FORMAT_H

#include "rewrite/journal.h"

/* File header: one sector, so that it is there whole or not at all. */
enum {
	FILE_MAGIC = 0,     /* 16 bytes */
	FILE_VERSION = 16,  /* u32 */
	FILE_SIZE = 20,     /* u32: of this header */
	FILE_KIND = 24,     /* u32: enum file_kind */
	FILE_CREATED = 32,  /* i64: seconds since the epoch */
	FILE_DEVICE = 40,   /* u64 */
	FILE_INODE = 48,    /* u64 */
	FILE_NAME_LEN = 56, /* u32 */
	FILE_NAME = 64,     /* 255 bytes, zeros behind the name */
	FILE_CRC = 508,     /* u32: of all before it */
	FILE_HEADER = 512,
	FILE_NAME_MAX = 255,
	JOURNAL_VERSION = 1,       /* of a new file */
	JOURNAL_VERSION_MOVES = 2, /* once a transaction has moves */
};

enum file_kind { KIND_IMAGE = 1, KIND_TEXT = 2 };

/* Transaction header, at a multiple of 8. */
enum {
	TX_MAGIC = 0,        /* 8 bytes */
	TX_STATE = 8,        /* 8 bytes, never across a sector: changed in place */
	TX_ID = 16,          /* u64 */
	TX_TOTAL = 24,       /* u64: bytes from this header to the next */
	TX_SIZE_BEFORE = 32, /* u64 */
	TX_SIZE_AFTER = 40,  /* u64 */
	TX_TIME = 48,        /* i64 */
	TX_RECORDS = 56,     /* u32 */
	TX_HEAD_CRC = 60,    /* u32 */
	TX_TABLE_CRC = 64,   /* u32: of the record table */
	TX_MOVES = 68,       /* u32: their number; version 2 */
	TX_CHUNK = 72,       /* u32: bytes that are moved at once */
	TX_CRC = 76,         /* u32: of all before it, the state counting as zeros */
	TX_HEADER = 80,
	TX_STATE_LEN = 8,
	TX_ALIGN = 8,
};

/* One record of the table behind the header. */
enum {
	REC_OFF = 0,      /* u64 */
	REC_OLD_LEN = 8,  /* u64 */
	REC_NEW_LEN = 16, /* u64 */
	REC_STAGE = 24,   /* u32 */
	REC_OLD_CRC = 28, /* u32 */
	REC_NEW_CRC = 32, /* u32 */
	REC_LEN = 40,
	REC_GAP = 3, /* as stage: old bytes that a move overwrites. Behind all others */
};

/* One move of the table behind the records. */
enum {
	MOVE_FROM = 0,  /* u64 */
	MOVE_TO = 8,    /* u64 */
	MOVE_SIZE = 16, /* u64 */
	MOVE_LEN = 24,
};

enum { JOURNAL_MAX_TX = 65536 }; /* a bound for loops; nobody repairs one file so often */

enum tx_state {
	TX_WRITING, /* never armed */
	TX_ARMED,
	TX_DONE,
	TX_UNKNOWN, /* no transaction, or rotten */
};

static const uint8_t file_magic[16] = "VMEND-UNDO\r\n\x1a\n";
static const uint8_t tx_magic[8] = { 'v', 'm', 'e', 'n', 'd', '-', 't', 'x' };
static const uint8_t tx_states[3][TX_STATE_LEN] = { "writing", "armed", "done" };

/* Puts the journal's name before a message about it; returns -1. */
int journal_fail(const struct journal *j, struct err *e);

/* Is the file header ours? *empty: a file that was created, and no more. */
int journal_read_header(struct journal *j, bool *empty, struct err *e)
	__attribute__((warn_unused_result));

/* Walks the transactions: sets end, count, and the header's part of last. */
int journal_scan(struct journal *j, struct err *e) __attribute__((warn_unused_result));

/* Reads the records of last. Memory is j->arena's, budgeted. */
int journal_load(struct journal *j, struct err *e) __attribute__((warn_unused_result));

/* Makes the folders above a journal in the state directory. */
int journal_make_folders(const char *path, struct err *e)
	__attribute__((warn_unused_result));

#endif
