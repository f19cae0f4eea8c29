/*
 * The octets of the fastpath table protocol, version 1.1 (docs/CONTROL_PROTOCOL.md), for C11 and C++.
 *
 * Every number on the wire is little-endian and unsigned; here it is a struct of octets, so that no layout depends on
 * the compiler, the machine's byte order or alignment, and none can be read without its function. Addresses take 16
 * octets in network order: an IPv4 address is in the first four, zeros follow.
 */
#ifndef FASTPATH_PROTOCOL_H
#define FASTPATH_PROTOCOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define FP_MAJOR 1
#define FP_MINOR 1
#define FP_LARGEST_PAYLOAD 4194304u
#define FP_MOST_RECORDS 65536u
/* The daemon stops reading a connection that leaves this many replies unread. */
#define FP_MOST_UNREAD 64
#define FP_NO_INDEX 0xffffffffu

enum fp_type {
	FP_HELLO = 1,
	FP_UPSERT,
	FP_DELETE,
	FP_LOOKUP,
	FP_DUMP,
	FP_STATUS,
	FP_COUNTERS,
	FP_BARRIER,
	FP_PING,
	FP_TXN_BEGIN,
	FP_TXN_COMMIT,
	FP_TXN_ABORT,
	FP_SYNC_BEGIN,
	FP_SYNC_END,
	FP_SUBSCRIBE,
	FP_EVENT,
	FP_STATS
};

enum fp_flag { FP_ATOMIC = 1, FP_QUIESCED = 2, FP_MORE = 4, FP_REPLACE = 8, FP_REPLY = 0x8000 };

enum fp_status {
	FP_OK,
	FP_MALFORMED,
	FP_UNSUPPORTED,
	FP_VERSION_MISMATCH,
	FP_TOO_LARGE,
	FP_NOT_PERMITTED,
	FP_INVALID,
	FP_STALE,
	FP_NOT_FOUND,
	FP_TABLE_FULL,
	FP_UNAVAILABLE,
	FP_CONFLICT,
	FP_INTERNAL_FAILURE,
	FP_HELLO_REQUIRED
};

enum fp_table { FP_ALL_TABLES = 0, FP_MIXED = 0, FP_BINDINGS = 1, FP_TUNNELS, FP_ROUTES, FP_VISITORS, FP_PEERS };

enum fp_event_kind {
	FP_EVENT_OVERFLOW,
	FP_EVENT_CHANGED,
	FP_EVENT_EXPIRED,
	FP_EVENT_UNBOUND,
	FP_EVENT_UNKNOWN_SOURCE,
	FP_EVENT_PATH_MTU,
	FP_EVENT_NEIGHBOR_LOST,
	FP_EVENT_PORT,
	FP_EVENT_BUFFER_OVERFLOW,
	FP_EVENT_TABLE_NEARLY_FULL,
	FP_EVENT_PEER,
	FP_EVENT_FLUSHED,
	FP_EVENT_BULK
};

typedef struct {
	uint8_t octets[2];
} fp_u16;
typedef struct {
	uint8_t octets[4];
} fp_u32;
typedef struct {
	uint8_t octets[8];
} fp_u64;
typedef struct {
	uint8_t octets[16];
} fp_address;

static inline uint16_t fp_get16(fp_u16 wire)
{
	return (uint16_t)(wire.octets[0] | wire.octets[1] << 8);
}

static inline uint32_t fp_get32(fp_u32 wire)
{
	return wire.octets[0] | (uint32_t)wire.octets[1] << 8 | (uint32_t)wire.octets[2] << 16 |
	       (uint32_t)wire.octets[3] << 24;
}

static inline uint64_t fp_get64(fp_u64 wire)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | wire.octets[i];
	return value;
}

static inline fp_u16 fp_put16(uint16_t value)
{
	fp_u16 wire = {{(uint8_t)value, (uint8_t)(value >> 8)}};

	return wire;
}

static inline fp_u32 fp_put32(uint32_t value)
{
	fp_u32 wire = {{(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)}};

	return wire;
}

static inline fp_u64 fp_put64(uint64_t value)
{
	fp_u64 wire;

	for (int i = 0; i < 8; i++)
		wire.octets[i] = (uint8_t)(value >> 8 * i);
	return wire;
}

/* CRC-32 of IEEE 802.3 as in zlib: begin with 0, go on with what it returned. For TXN_COMMIT and the digests. */
static inline uint32_t fp_crc32(uint32_t crc, const void *octets, size_t count)
{
	const uint8_t *next = (const uint8_t *)octets;

	crc = ~crc;
	while (count--) {
		crc ^= *next++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* What one entry adds to its table's digest; its CRC is that of the record without lifetime, users and trailing zeros.
 */
static inline uint64_t fp_digest_term(uint32_t crc)
{
	uint64_t product = crc * UINT64_C(0x9e3779b97f4a7c15);

	return product ^ product >> 32;
}

/* Every layout is checked against the specification's sizes and offsets where it is compiled. */
#define FP_SIZE(type, octets) static_assert(sizeof(struct type) == (octets), #type)
#define FP_AT(type, field, octets) static_assert(offsetof(struct type, field) == (octets), #type "." #field)

#include "fastpath_messages.h"
#include "fastpath_records.h"

#undef FP_SIZE
#undef FP_AT

#endif
