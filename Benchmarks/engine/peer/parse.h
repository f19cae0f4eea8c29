/*
 * The first stage of the peer `c`: all lengths and headers checked, nothing written.
 *
 * The product's checks, in its order: frame length, tags, EtherType; IPv6 version, jumbograms, payload length; IPv4
 * version, header length, total length, checksum; a destination of ours on a port that decapsulates, then next header
 * and the packet inside likewise; both inner addresses may cross a router.
 */
#ifndef ENGINE_PEER_PARSE_H
#define ENGINE_PEER_PARSE_H

#include "state.h"

enum { ETHERNET = 14, TAG = 4, IPV6 = 40, IPV4 = 20 };
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_SERVICE_VLAN = 0x88a8 };

static ALWAYS_INLINE int is_extension(uint8_t next)
{
	const uint64_t first = 1ull << 0 | 1ull << 43 | 1ull << 44 | 1ull << 51 | 1ull << 60;

	return next < 64 ? first >> next & 1 : next == 135 || next == 139 || next == 140;
}

static ALWAYS_INLINE struct key source_of(const struct packet *packet, const uint8_t *frame)
{
	const uint8_t *at = frame + packet->inner;

	if (packet->family == 6)
		return (struct key){get64(at + 8), get64(at + 16), 6};
	return (struct key){0, 0xffff00000000ull | get32(at + 12), 4};
}

static ALWAYS_INLINE struct key destination_of(const struct packet *packet, const uint8_t *frame)
{
	const uint8_t *at = frame + packet->inner;

	if (packet->family == 6)
		return (struct key){get64(at + 24), get64(at + 32), 6};
	return (struct key){0, 0xffff00000000ull | get32(at + 16), 4};
}

static ALWAYS_INLINE int is_local(const struct worker *worker, struct key address)
{
	for (int i = 0; i < LOCALS; i++) {
		const struct key *local = &worker->locals[i];

		if (!((local->high ^ address.high) | (local->low ^ address.low)) && local->family == address.family)
			return 1;
	}
	return 0;
}

static ALWAYS_INLINE int is_in_pool(const struct worker *worker, struct key address)
{
	for (int i = 0; i < worker->pool_count; i++) {
		const struct pool *pool = &worker->pools[i];

		if (!(((address.high & pool->mask_high) ^ pool->high) | ((address.low & pool->mask_low) ^ pool->low)) &&
		    pool->family == address.family)
			return 1;
	}
	return 0;
}

static ALWAYS_INLINE int is_link_local(struct key address)
{
	return address.high >> 54 == 0xfe80 >> 6;
}

static ALWAYS_INLINE int is_forwardable(struct key address)
{
	return address.high >> 56 != 0xff && !is_link_local(address) && (address.high || address.low >> 48);
}

static ALWAYS_INLINE int is_forwardable_ipv4(uint32_t address)
{
	return address >> 24 != 0 && address >> 24 != 127 && address >> 24 < 224;
}

static ALWAYS_INLINE void check_addresses(struct packet *packet, const uint8_t *frame)
{
	struct key source = source_of(packet, frame), destination = destination_of(packet, frame);
	uint32_t from = (uint32_t)source.low, to = (uint32_t)destination.low;

	if (packet->family == 6) {
		/* 1 to fdff...: nearly every packet's addresses. */
		if (LIKELY(source.high - 1 < 0xfdffffffffffffff && destination.high - 1 < 0xfdffffffffffffff))
			return;
		if (!is_forwardable(source) || !is_forwardable(destination))
			decide(packet, DROP, is_link_local(source) ? LINK_LOCAL_SOURCE : MARTIAN);
	} else if (from >> 16 == 0xa9fe) {
		decide(packet, DROP, LINK_LOCAL_SOURCE);
	} else if (!is_forwardable_ipv4(from) || !is_forwardable_ipv4(to) || to >> 16 == 0xa9fe) {
		decide(packet, DROP, MARTIAN);
	}
}

static ALWAYS_INLINE int validate_ipv6(struct packet *packet, const uint8_t *frame, int available)
{
	const uint8_t *at = frame + packet->inner;
	int payload;

	if (available < IPV6)
		return decide(packet, DROP, TRUNCATED), 0;
	payload = get16(at + 4);
	if (at[0] >> 4 != 6 || (!payload && !at[6]))
		return decide(packet, DROP, MALFORMED), 0;
	if (IPV6 + payload > available)
		return decide(packet, DROP, TRUNCATED), 0;
	packet->inner_length = (uint16_t)(IPV6 + payload);
	packet->traffic_class = (uint8_t)(get16(at) >> 4);
	return 1;
}

static ALWAYS_INLINE int is_checksum_valid(const uint8_t *at, int length)
{
	uint64_t sum = 0;

	for (int i = 0; i < length; i += 4)
		sum += get32(at + i);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static ALWAYS_INLINE int validate_ipv4(struct packet *packet, const uint8_t *frame, int available)
{
	const uint8_t *at = frame + packet->inner;
	int header, total;

	if (available < IPV4)
		return decide(packet, DROP, TRUNCATED), 0;
	header = (at[0] & 15) * 4;
	total = get16(at + 2);
	if (at[0] >> 4 != 4 || header < IPV4 || total < header)
		return decide(packet, DROP, MALFORMED), 0;
	if (total > available)
		return decide(packet, DROP, TRUNCATED), 0;
	if (!is_checksum_valid(at, header))
		return decide(packet, DROP, BAD_CHECKSUM), 0;
	packet->inner_length = (uint16_t)total;
	packet->traffic_class = at[1];
	return 1;
}

/* A packet to one of our addresses. Extension headers are for code that no packet here reaches. */
static ALWAYS_INLINE void open_tunnel(struct packet *packet, const uint8_t *frame)
{
	int end = packet->network + packet->inner_length, at = packet->network + IPV6;
	uint8_t next = frame[packet->network + 6], outer = packet->traffic_class;

	if (is_extension(next))
		return decide(packet, PUNT, NOT_OURS);
	packet->inner = (uint16_t)at;
	if (next == 41) {
		if (!validate_ipv6(packet, frame, end - at))
			return;
	} else if (next == 4) {
		packet->family = 4;
		if (!validate_ipv4(packet, frame, end - at))
			return;
	} else {
		packet->inner = packet->network;
		return decide(packet, PUNT, NOT_OURS);
	}
	packet->tunnelled = 1;
	packet->outer_class = outer;
}

static ALWAYS_INLINE void parse(struct worker *worker, struct packet *packet, const uint8_t *frame, uint8_t kinds)
{
	int length = (int)packet->length, offset = ETHERNET, type, tags = 0;

	if (length < ETHERNET)
		return decide(packet, DROP, TRUNCATED);
	for (type = get16(frame + 12); type == TYPE_VLAN || type == TYPE_SERVICE_VLAN; tags++, offset += TAG) {
		int identifier;

		if (tags == 2 || length < offset + TAG)
			return decide(packet, DROP, TRUNCATED);
		identifier = get16(frame + offset) & 0xfff;
		packet->vlan = tags ? 0xffff : (uint16_t)identifier;
		type = get16(frame + offset + 2);
	}
	packet->network = packet->inner = (uint16_t)offset;
	if (type == TYPE_IPV6) {
		packet->family = 6;
		if (!validate_ipv6(packet, frame, length - offset))
			return;
		if (kinds & (CORE | TRANSPORT) && is_local(worker, destination_of(packet, frame)))
			open_tunnel(packet, frame);
	} else if (type == TYPE_IPV4) {
		packet->family = 4;
		if (!validate_ipv4(packet, frame, length - offset))
			return;
	} else {
		return decide(packet, PUNT, NOT_OURS);
	}
	if (packet->verdict == UNDECIDED)
		check_addresses(packet, frame);
}

#endif
