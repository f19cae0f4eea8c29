/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The program's tables, written by user space only. Layouts and capacities are steer_abi.h's.
 */
#ifndef FASTPATH_BPF_MAPS_H
#define FASTPATH_BPF_MAPS_H

#include "kernel.h"
#include "steer_abi.h"

/* Interface index → port. An interface that is not here is none of ours. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_MAX_PORTS);
	__type(key, uint32_t);
	__type(value, struct steer_port);
} ports SEC(".maps");

/* Tunnel end points and router addresses of this node. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_MAX_LOCAL_ADDRESSES);
	__type(key, struct steer_address);
	__type(value, uint8_t);
} local_addresses SEC(".maps");

/* LMA: home network prefixes and home addresses are assigned from here. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_MAX_POOLS);
	__type(key, struct steer_prefix);
	__type(value, uint8_t);
} pools SEC(".maps");

/* MAG: source prefixes on access links → mobile nodes', or visitors' of one port. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_MAX_SOURCES);
	__type(key, struct steer_prefix);
	__type(value, struct steer_source);
} sources SEC(".maps");

/* Port index × STEER_MAX_QUEUES + receive queue → AF_XDP socket. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_MAX_PORTS *STEER_MAX_QUEUES);
	__type(key, uint32_t);
	__type(value, uint32_t);
} xsks SEC(".maps");

/* Port index × STEER_REASONS + reason → packets. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_MAX_PORTS *STEER_REASONS);
	__type(key, uint32_t);
	__type(value, uint64_t);
} counters SEC(".maps");

/* Per-CPU, and XDP does not migrate within a packet: a plain increment loses nothing. */
static __always_inline void count(const struct steer_port *port, enum steer_reason reason)
{
	uint32_t index = port->index * STEER_REASONS + reason;
	uint64_t *packets = bpf_map_lookup_elem(&counters, &index);

	if (packets)
		*packets += 1;
}

/* Keys start as zeros: the maps compare padding, too. Addresses in headers are aligned to 4, see packet.h. */
static __always_inline void ipv6_key(struct steer_address *key, const uint8_t octets[16])
{
	key->family = 6;
	copy_octets(key->octets, __builtin_assume_aligned(octets, 4), 16);
}

static __always_inline void ipv4_key(struct steer_address *key, const uint8_t octets[4])
{
	key->family = 4;
	copy_octets(key->octets, __builtin_assume_aligned(octets, 4), 4);
}

static __always_inline int is_local(const struct steer_address *address)
{
	return bpf_map_lookup_elem(&local_addresses, address) != 0;
}

#endif
