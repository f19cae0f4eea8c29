#include "engine_frames.h"

#include <stdlib.h>
#include <string.h>

#define ETHERNET 14
#define IPV6 40
#define IPV4 20
/* UDP header and sixteen octets: with IPv6 the 78-octet frame of the suite `port`. */
#define UDP 24
#define SHORTEST_FRAME 60
#define HOP_LIMIT 64

/* splitmix64's finalizer (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void put(uint8_t *at, uint64_t value, int octets)
{
	for (int i = octets - 1; i >= 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
}

struct engine_traffic *engine_traffic_create(enum engine_way way, uint32_t bindings)
{
	struct engine_traffic *traffic = malloc(sizeof(*traffic));
	uint32_t *order = malloc(bindings * sizeof(*order));

	if (!traffic || !order) {
		free(traffic);
		free(order);
		return NULL;
	}
	for (uint32_t at = 0; at < bindings; at++) {
		uint32_t other = (uint32_t)((unsigned __int128)mix(at) * (at + 1) >> 64);

		order[at] = order[other];
		order[other] = at;
	}
	*traffic = (struct engine_traffic){way, bindings, order};
	return traffic;
}

void engine_traffic_free(struct engine_traffic *traffic)
{
	free(traffic->order);
	free(traffic);
}

/* A different number for each binding below 2^24, scattered: those of the suite `port`. */
static uint32_t scattered(uint32_t binding)
{
	return binding * 0x9e3779b1u & 0xffffff;
}

uint64_t engine_prefix(uint32_t binding)
{
	return 0x20010db801000000ull | scattered(binding);
}

uint32_t engine_home_address(uint32_t binding)
{
	return 10u << 24 | scattered(binding);
}

uint64_t engine_mobile_node(uint32_t binding)
{
	return 0x020100000000ull | binding;
}

uint32_t engine_tunnel(uint32_t binding)
{
	return binding % ENGINE_TUNNELS;
}

int engine_arrival(enum engine_way way)
{
	return way == ENGINE_LMA_UPLINK || way == ENGINE_LMA_HAIRPIN || way == ENGINE_MAG_UPLINK;
}

size_t engine_inner_length(enum engine_way way)
{
	return way == ENGINE_LMA_IPV4 ? IPV4 + UDP : IPV6 + UDP;
}

/* Who sends packet `number` and who gets it; the correspondent node is one of many in 2001:db8:c::/48. */
struct ends {
	uint64_t source_high, source_low, destination_high, destination_low;
	uint32_t binding, peer;
};

static uint32_t binding_of(const struct engine_traffic *traffic, uint64_t number)
{
	return traffic->order[number % traffic->bindings];
}

static struct ends ends_of(const struct engine_traffic *traffic, uint64_t number)
{
	uint64_t random = mix(number ^ (uint64_t)traffic->way << 56);
	struct ends ends = {.binding = binding_of(traffic, number)};
	uint64_t node_high = engine_prefix(ends.binding), node_low = mix(random);
	uint64_t other_high = 0x20010db8000c0000ull | (random & 0xffff), other_low = random >> 16 | 1;

	ends.peer = ends.binding;
	if (traffic->way == ENGINE_LMA_HAIRPIN) {
		ends.peer = binding_of(traffic, number + traffic->bindings / 2);
		other_high = engine_prefix(ends.peer);
	}
	if (engine_arrival(traffic->way)) {
		ends.source_high = node_high;
		ends.source_low = node_low;
		ends.destination_high = other_high;
		ends.destination_low = other_low;
	} else {
		ends.source_high = other_high;
		ends.source_low = other_low;
		ends.destination_high = node_high;
		ends.destination_low = node_low;
	}
	return ends;
}

/* RFC 8200 section 3. */
static uint8_t *put_ipv6(uint8_t *at, uint32_t label, size_t payload, int next, int hops)
{
	put(at, 6u << 28 | label, 4);
	put(at + 4, payload, 2);
	at[6] = (uint8_t)next;
	at[7] = (uint8_t)hops;
	return at + 8;
}

static uint8_t *put_address(uint8_t *at, uint64_t high, uint64_t low)
{
	put(at, high, 8);
	put(at + 8, low, 8);
	return at + 16;
}

/* RFC 791 section 3.1, with the checksum over the ten words. */
static uint8_t *put_ipv4(uint8_t *at, uint32_t source, uint32_t destination, uint16_t identification, int hops)
{
	uint32_t sum = 0;

	put(at, 0x45, 1);
	put(at + 1, 0, 1);
	put(at + 2, IPV4 + UDP, 2);
	put(at + 4, identification, 2);
	put(at + 6, 0x4000, 2);
	at[8] = (uint8_t)hops;
	at[9] = 17;
	put(at + 10, 0, 2);
	put(at + 12, source, 4);
	put(at + 16, destination, 4);
	for (int i = 0; i < IPV4; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put(at + 10, ~sum & 0xffff, 2);
	return at + IPV4;
}

/* The packet inside, its hop limit as given. */
static uint8_t *put_inner(const struct engine_traffic *traffic, uint64_t number, uint8_t *at, int hops)
{
	struct ends ends = ends_of(traffic, number);
	uint64_t random = mix(~number);

	if (traffic->way == ENGINE_LMA_IPV4) {
		/* TEST-NET-2 and its neighbours: not one of the pool's. */
		uint32_t source = 198u << 24 | 18u << 16 | (uint32_t)(random & 0xffff);

		at = put_ipv4(at, source, engine_home_address(ends.binding), (uint16_t)(random >> 16), hops);
	} else {
		at = put_ipv6(at, random & 0xfffff, UDP, 17, hops);
		at = put_address(at, ends.source_high, ends.source_low);
		at = put_address(at, ends.destination_high, ends.destination_low);
	}
	put(at, 1024 | (random >> 32 & 0xffff), 2);
	put(at + 2, 1024 | (random >> 48), 2);
	put(at + 4, UDP, 2);
	put(at + 6, 0x5a5a, 2);
	put(at + 8, number, 8);
	put(at + 16, random, 8);
	return at + UDP;
}

static uint8_t *put_ethernet(uint8_t *at, uint64_t destination, uint64_t source, int type)
{
	put(at, destination, 6);
	put(at + 6, source, 6);
	put(at + 12, (uint64_t)type, 2);
	return at + ETHERNET;
}

/* RFC 2473 section 5: ours first when `ours` is the source. */
static uint8_t *put_tunnel(uint8_t *at, const struct engine_traffic *traffic, uint32_t binding, int ours)
{
	uint64_t remote = ENGINE_REMOTE_LOW + engine_tunnel(binding);
	int next = traffic->way == ENGINE_LMA_IPV4 ? 4 : 41;

	at = put_ipv6(at, 0, engine_inner_length(traffic->way), next, HOP_LIMIT);
	if (ours) {
		at = put_address(at, ENGINE_LOCAL_HIGH, ENGINE_LOCAL_LOW);
		return put_address(at, ENGINE_REMOTE_HIGH, remote);
	}
	at = put_address(at, ENGINE_REMOTE_HIGH, remote);
	return put_address(at, ENGINE_LOCAL_HIGH, ENGINE_LOCAL_LOW);
}

size_t engine_frame(const struct engine_traffic *traffic, uint64_t number, uint8_t *frame)
{
	uint32_t binding = binding_of(traffic, number);
	uint8_t *at = frame;

	switch (traffic->way) {
	case ENGINE_LMA_DOWNLINK:
		at = put_ethernet(at, ENGINE_CORE_MAC, ENGINE_CORE_NEIGHBOUR, 0x86dd);
		break;
	case ENGINE_LMA_IPV4:
		at = put_ethernet(at, ENGINE_CORE_MAC, ENGINE_CORE_NEIGHBOUR, 0x0800);
		break;
	case ENGINE_LMA_UPLINK:
	case ENGINE_LMA_HAIRPIN:
	case ENGINE_MAG_DOWNLINK:
		at = put_ethernet(at, ENGINE_TRANSPORT_MAC, ENGINE_TRANSPORT_NEIGHBOUR, 0x86dd);
		at = put_tunnel(at, traffic, binding, 0);
		break;
	case ENGINE_MAG_UPLINK:
		at = put_ethernet(at, ENGINE_ACCESS_MAC, engine_mobile_node(binding), 0x86dd);
		break;
	}
	at = put_inner(traffic, number, at, HOP_LIMIT);
	while (at < frame + SHORTEST_FRAME)
		*at++ = 0;
	return (size_t)(at - frame);
}

size_t engine_expected(const struct engine_traffic *traffic, uint64_t number, uint8_t *frame)
{
	struct ends ends = ends_of(traffic, number);
	uint8_t *at = frame;

	switch (traffic->way) {
	case ENGINE_LMA_DOWNLINK:
	case ENGINE_LMA_IPV4:
	case ENGINE_LMA_HAIRPIN:
	case ENGINE_MAG_UPLINK:
		at = put_ethernet(at, ENGINE_TRANSPORT_NEIGHBOUR, ENGINE_TRANSPORT_MAC, 0x86dd);
		at = put_tunnel(at, traffic, ends.peer, 1);
		break;
	case ENGINE_LMA_UPLINK:
		at = put_ethernet(at, ENGINE_CORE_NEIGHBOUR, ENGINE_CORE_MAC, 0x86dd);
		break;
	case ENGINE_MAG_DOWNLINK:
		at = put_ethernet(at, engine_mobile_node(ends.binding), ENGINE_ACCESS_MAC, 0x86dd);
		break;
	}
	at = put_inner(traffic, number, at, HOP_LIMIT - 1);
	return (size_t)(at - frame);
}

int engine_is_expected(const struct engine_traffic *traffic, uint64_t number, const void *frame, size_t length)
{
	uint8_t expected[ENGINE_LONGEST], sent[ENGINE_LONGEST];
	size_t wanted = engine_expected(traffic, number, expected);

	if (length != wanted)
		return 0;
	memcpy(sent, frame, length);
	if (traffic->way != ENGINE_LMA_UPLINK && traffic->way != ENGINE_MAG_DOWNLINK) {
		uint8_t *label = &sent[ETHERNET + 1];

		/* RFC 6438 section 3: any label but 0. */
		if (!(label[0] & 15) && !label[1] && !label[2])
			return 0;
		label[0] &= 0xf0;
		label[1] = label[2] = 0;
	}
	return !memcmp(sent, expected, length);
}
