/* The payloads of all messages but their records: what fastpath_protocol.h includes. */
#ifndef FASTPATH_MESSAGES_H
#define FASTPATH_MESSAGES_H

/* Before every payload. */
struct fp_header {
	fp_u32 length;
	fp_u16 type, flags;
	fp_u32 request_id, status, count;
	fp_u16 record_size, reserved;
};
FP_SIZE(fp_header, 24);
FP_AT(fp_header, request_id, 8);
FP_AT(fp_header, record_size, 20);

/* Followed by the name. */
struct fp_hello_request {
	fp_u16 major, minor;
	fp_u32 owner;
	fp_u16 name_octets, reserved;
};
FP_SIZE(fp_hello_request, 12);
FP_AT(fp_hello_request, name_octets, 8);

enum fp_access { FP_READ = 1, FP_WRITE = 2 };
enum fp_role { FP_LMA = 1, FP_MAG = 2 };

/* Followed by count tables of record_size octets, then the software version. */
struct fp_hello_reply {
	fp_u16 major, minor;
	uint8_t access, role;
	fp_u16 version_octets;
	uint8_t boot_id[16];
	fp_u64 generation;
	fp_u32 largest_payload, most_records;
};
FP_SIZE(fp_hello_reply, 40);
FP_AT(fp_hello_reply, boot_id, 8);
FP_AT(fp_hello_reply, largest_payload, 32);

enum { FP_TABLE_STALE = 1 };

struct fp_hello_table {
	fp_u16 table, record_size;
	fp_u32 flags;
	fp_u64 entries, capacity, digest;
};
FP_SIZE(fp_hello_table, 32);
FP_AT(fp_hello_table, digest, 24);

/* Before the records of UPSERT and DELETE, before each record of a mixed frame; all of TXN_BEGIN and SYNC_BEGIN. */
struct fp_scope {
	fp_u16 table;
	uint8_t reserved[6];
};
FP_SIZE(fp_scope, 8);

struct fp_outcome {
	fp_u32 applied, unchanged;
	/* Removed, in the replies to TXN_COMMIT and SYNC_END. */
	fp_u32 failed;
	fp_u32 index, code;
	fp_u16 field_octets, rule_octets;
	fp_u64 generation;
};
FP_SIZE(fp_outcome, 32);
FP_AT(fp_outcome, code, 16);
FP_AT(fp_outcome, generation, 24);

enum fp_lookup_kind { FP_BY_ADDRESS = 1, FP_BY_PREFIX, FP_BY_TUNNEL, FP_BY_ROUTE };

struct fp_lookup {
	uint8_t kind, family, first_length, second_length;
	fp_u32 reserved;
	fp_address first, second;
};
FP_SIZE(fp_lookup, 40);
FP_AT(fp_lookup, second, 24);

/* Before the record of each entry of a LOOKUP reply. */
struct fp_entry {
	struct fp_scope scope;
	fp_u64 up_packets, up_octets, down_packets, down_octets;
};
FP_SIZE(fp_entry, 40);

struct fp_dump_request {
	struct fp_scope scope;
	fp_u64 cookie;
};
FP_SIZE(fp_dump_request, 16);

/* Before the records of a DUMP reply. */
struct fp_dump_slice {
	struct fp_scope scope;
	fp_u64 cookie, generation;
};
FP_SIZE(fp_dump_slice, 24);

/* STATUS, EVENT: followed by key and value. */
struct fp_item {
	fp_u16 key_octets, value_octets;
};
FP_SIZE(fp_item, 4);

struct fp_counters_request {
	uint8_t all, reserved[3];
};
FP_SIZE(fp_counters_request, 4);

/* Followed by the name. */
struct fp_counter {
	fp_u64 value;
	fp_u16 name_octets;
};
FP_SIZE(fp_counter, 10);

struct fp_commit {
	fp_u64 count;
	fp_u32 crc, reserved;
};
FP_SIZE(fp_commit, 16);

struct fp_sync_end {
	fp_u64 count;
};
FP_SIZE(fp_sync_end, 8);

/* Bit n for kind n. */
struct fp_subscribe {
	fp_u64 mask;
};
FP_SIZE(fp_subscribe, 8);

/* Followed by count items. */
struct fp_event {
	fp_u64 sequence, nanoseconds;
	fp_u16 kind, reserved;
	fp_u32 count;
};
FP_SIZE(fp_event, 24);
FP_AT(fp_event, count, 20);

struct fp_stats_reply {
	fp_u64 size;
	fp_u32 version, reserved;
};
FP_SIZE(fp_stats_reply, 16);

/* The memory file: "FPSTATS", a zero octet; flags bit 0: superseded. The sequence is odd while it is being written. */
struct fp_stats_area {
	char magic[8];
	fp_u32 version, flags;
	fp_u64 sequence, nanoseconds, directory, count;
	uint8_t reserved[16];
};
FP_SIZE(fp_stats_area, 64);
FP_AT(fp_stats_area, sequence, 16);
FP_AT(fp_stats_area, directory, 32);

/* Offsets from the beginning of the area. */
struct fp_stats_item {
	fp_u32 name;
	fp_u16 name_octets, reserved;
	fp_u64 value;
};
FP_SIZE(fp_stats_item, 16);

#endif
