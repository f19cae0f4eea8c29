/*
 * What the peer `c` works on: the product's tables and a worker's state, written by hand in C.
 *
 * Same layout of everything a packet touches: 64-octet bindings behind the buckets of ../table/prefix_hash.h, 128-octet
 * tunnels behind their slots and an index of such buckets, 32-octet next hops, 32-octet traffic cells, chunks of 2048
 * octets with 256 of headroom, a stack of free frames.
 */
#ifndef ENGINE_PEER_STATE_H
#define ENGINE_PEER_STATE_H

#include "../../table/prefix_hash_pair.h"
#include "engine_frames.h"

#define CHUNK 2048
#define HEADROOM 256
#define FRAMES (2 * ENGINE_PORTS * BATCH)
#define LOCALS 1
#define POOLS 2
#define REASONS 64
#define COLD __attribute__((noinline, cold))

enum verdict { UNDECIDED, TRANSMIT, PUNT, DROP };
enum path { NONE, ENCAPSULATE, ROUTE, HAIRPIN, DELIVER };
enum kinds { CORE = 1, TRANSPORT = 2, ACCESS = 4 };
/* The product's reasons; a verdict's counter is REASONS * verdict + reason. */
enum reason {
	NO_BINDING,
	NOT_ACTIVE,
	UNKNOWN_TUNNEL,
	SOURCE_NOT_BOUND,
	NOT_ON_LINK,
	LINK_LOCAL_SOURCE,
	HOP_LIMIT,
	TOO_BIG,
	MALFORMED,
	TRUNCATED,
	BAD_CHECKSUM,
	MARTIAN,
	LOOP,
	NO_ROUTE,
	TX_FULL,
	ECN,
	NOT_OURS,
	INNER_LOCAL,
	PEER_DOWN
};

/* What the stages have found out about one packet: a line. */
struct packet {
	uint64_t address;
	uint32_t length;
	uint16_t network, inner, inner_length, vlan;
	uint8_t family, tunnelled, path, verdict, reason, port, traffic_class, outer_class, exit_rule;
	uint32_t arrival, departure, source, destination, next_hop;
	int16_t start;
	uint16_t sent_length;
} __attribute__((aligned(64)));

struct tunnel {
	uint64_t local[2], remote[2];
	uint32_t id, next_hop;
	uint16_t mtu;
	uint8_t hop_limit, dscp, ecn, has_limit, limit, flags;
	uint64_t unused[10];
};

struct next_hop {
	uint64_t header[2];
	uint16_t header_tail;
	uint8_t header_length, kind, port, unused8;
	uint16_t unused16;
	uint64_t unused64;
};

enum { UNREACHABLE, UNRESOLVED, KERNEL, RESOLVED };
enum { COPY_DSCP = 0xff, UNIFORM_DSCP = 0xfe };

_Static_assert(sizeof(struct tunnel) == 128 && sizeof(struct next_hop) == 32 && sizeof(struct packet) == 64, "layout");

struct cell {
	uint64_t up_packets, up_octets, down_packets, down_octets;
};

struct descriptor {
	uint64_t address;
	uint32_t length;
};

/* A port in memory: what is received in the next turn, and what was sent in the last one. */
struct port {
	struct descriptor pending[BATCH], sent[2 * BATCH];
	int pending_count, sent_count, reserved;
	uint8_t kinds;
	uint64_t mac;
	int mtu;
};

struct pool {
	uint64_t high, low, mask_high, mask_low;
	uint8_t family;
};

struct worker {
	int is_gateway;
	struct prefix_hash bindings, routes;
	struct cell *binding_cells, *tunnel_cells;
	/* Records and slots by identifier, and the buckets of the index with a storage of their own. */
	struct tunnel *tunnels;
	uint32_t *tunnel_slots;
	struct prefix_hash tunnel_index;
	struct next_hop *next_hops;
	uint32_t *next_hop_slots;
	struct key locals[LOCALS];
	struct pool pools[POOLS];
	int pool_count;
	struct port ports[ENGINE_PORTS];
	uint8_t *memory;
	uint64_t free_frames[FRAMES];
	int free_count;
	uint64_t generation, reported;
	uint64_t counters[4 * REASONS], received[ENGINE_PORTS][2], transmitted[ENGINE_PORTS][2], unusual[16];
	struct packet packets[BATCH];
	/* At most two a packet; the owner's upper bit says that it is the source. */
	struct key keys[2 * BATCH];
	uint8_t owners[2 * BATCH];
	uint32_t results[2 * BATCH];
	int count, key_count;
};

/* Octets of a frame as numbers, and back. */
static ALWAYS_INLINE uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static ALWAYS_INLINE uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

/* As they lie in memory. */
static ALWAYS_INLINE uint64_t raw64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static ALWAYS_INLINE uint64_t get64(const uint8_t *at)
{
	return be64toh(raw64(at));
}

static ALWAYS_INLINE void put16(uint8_t *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
}

static ALWAYS_INLINE void put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static ALWAYS_INLINE void put_raw64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static ALWAYS_INLINE void decide(struct packet *packet, enum verdict verdict, enum reason reason)
{
	packet->verdict = verdict;
	packet->reason = reason;
}

static ALWAYS_INLINE uint8_t *frame_of(const struct worker *worker, const struct packet *packet)
{
	return worker->memory + packet->address;
}

/* IPv4 addresses are asked for in their mapped form, which no IPv6 packet may carry (`check_addresses`). */
static ALWAYS_INLINE void request(struct worker *worker, struct key key, int index, int is_source)
{
	worker->keys[worker->key_count] = (struct key){key.high, key.low, 6};
	worker->owners[worker->key_count++] = (uint8_t)(index | is_source << 7);
}

static ALWAYS_INLINE const struct tunnel *tunnel_at(const struct worker *worker, uint32_t id)
{
	return &worker->tunnels[__atomic_load_n(&worker->tunnel_slots[id], __ATOMIC_ACQUIRE)];
}

static ALWAYS_INLINE const struct next_hop *next_hop_at(const struct worker *worker, uint32_t id)
{
	return &worker->next_hops[__atomic_load_n(&worker->next_hop_slots[id], __ATOMIC_ACQUIRE)];
}

#endif
