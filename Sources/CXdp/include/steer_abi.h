/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The layout that the XDP program (bpf/steer.bpf.c) and its owner in user space share, declared once and included by
 * both. It uses freestanding headers only, so that `clang -target bpf` needs nothing from the system.
 *
 * Octet arrays are in network order. Every padding octet is a member named `zero` and must be zero: map keys are
 * compared as bytes.
 */
#ifndef FASTPATH_STEER_ABI_H
#define FASTPATH_STEER_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Ports (network interfaces of the plane) and receive queues of one port. */
#define STEER_MAX_PORTS 64
#define STEER_MAX_QUEUES 64
/*
 * Map capacities. Entries are allocated as they are inserted, except those of the two small maps. Local addresses: 63
 * tunnel end points and a router address of each family.
 */
#define STEER_MAX_LOCAL_ADDRESSES 65
#define STEER_MAX_POOLS 256
#define STEER_MAX_SOURCES (1 << 20)

/* struct steer_port.kinds; the same bits as PortKinds in Swift. */
#define STEER_PORT_CORE 1
#define STEER_PORT_TRANSPORT 2
#define STEER_PORT_ACCESS 4

/* struct steer_source.kind: what a source prefix on an access link belongs to. */
#define STEER_SOURCE_BOUND 1
#define STEER_SOURCE_VISITOR 2

/*
 * Where a packet of a port went and why. Each packet of a known port is counted once. All but STEER_REDIRECTED pass
 * to the kernel's stack. The numbers are indices of `counters` and raw values of SteerReason in Swift.
 */
enum steer_reason {
	STEER_ARP = 0,
	STEER_ETHERTYPE = 1,
	STEER_OTHER_MAC = 2,
	STEER_MULTICAST = 3,
	STEER_NEIGHBOR_DISCOVERY = 4,
	STEER_LINK_LOCAL = 5,
	STEER_LOCAL = 6,
	STEER_VISITOR = 7,
	STEER_NOT_OURS = 8,
	STEER_DHCP = 9,
	STEER_MALFORMED = 10,
	STEER_NO_SOCKET = 11,
	STEER_REDIRECTED = 12,
};
#define STEER_REASONS 13

/* Value of `ports`, whose key is the interface index (uint32_t, host order). */
struct steer_port {
	uint8_t mac[6]; /* frames to another address are not ours */
	uint8_t kinds;	/* STEER_PORT_* */
	uint8_t zero;
	uint32_t index; /* position in the configuration, below STEER_MAX_PORTS */
};

/* Key of `local_addresses`. */
struct steer_address {
	uint8_t family; /* 4 or 6 */
	uint8_t zero[3];
	uint8_t octets[16]; /* IPv4: the first four, then zeros */
};

/* Bits of struct steer_address in front of the octets: a /48 has `bits` = STEER_FAMILY_BITS + 48. */
#define STEER_FAMILY_BITS 32

/* Key of the tries `pools` and `sources` (the kernel's struct bpf_lpm_trie_key with its data). */
struct steer_prefix {
	uint32_t bits; /* STEER_FAMILY_BITS + prefix length; host order */
	struct steer_address address;
};

/* Value of `sources`. */
struct steer_source {
	uint8_t kind; /* STEER_SOURCE_* */
	uint8_t port; /* visitors: steer_port.index of their link; otherwise 0 */
};

_Static_assert(STEER_REASONS == STEER_REDIRECTED + 1, "one counter per reason");
_Static_assert(sizeof(struct steer_port) == 12, "steer_port");
_Static_assert(offsetof(struct steer_port, kinds) == 6, "steer_port.kinds");
_Static_assert(offsetof(struct steer_port, index) == 8, "steer_port.index");
_Static_assert(sizeof(struct steer_address) == 20, "steer_address");
_Static_assert(offsetof(struct steer_address, octets) == 4, "steer_address.octets");
_Static_assert(sizeof(struct steer_prefix) == 24, "steer_prefix");
_Static_assert(offsetof(struct steer_prefix, address) == 4, "steer_prefix.address");
_Static_assert(sizeof(struct steer_source) == 2, "steer_source");

#endif
