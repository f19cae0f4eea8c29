/*
 * The traffic of the suite `engine`: what every contestant is given, and what must come out of it, from fixed seeds.
 *
 * A packet is a number; its frame and the frame that must leave are functions of it. Both are written here octet by
 * octet as RFC 8200, RFC 791 and RFC 2473 draw the headers, with nothing of the contestants' code.
 */
#ifndef ENGINE_FRAMES_H
#define ENGINE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* The ways of a packet that are measured. */
enum engine_way {
	ENGINE_LMA_DOWNLINK,
	ENGINE_LMA_UPLINK,
	ENGINE_LMA_HAIRPIN,
	ENGINE_LMA_IPV4,
	ENGINE_MAG_DOWNLINK,
	ENGINE_MAG_UPLINK
};

/* Tunnels that the bindings are spread over. */
#define ENGINE_TUNNELS 64
/* Ports: at the LMA core and transport, at the MAG transport and access. */
#define ENGINE_PORTS 2
/* Octets that every frame of either direction fits into. */
#define ENGINE_LONGEST 160

/* Link-layer addresses as numbers. */
#define ENGINE_CORE_MAC 0x020000000101ull
#define ENGINE_CORE_NEIGHBOUR 0x020000000c01ull
#define ENGINE_TRANSPORT_MAC 0x020000000102ull
#define ENGINE_TRANSPORT_NEIGHBOUR 0x020000000a01ull
#define ENGINE_ACCESS_MAC 0x00005e005213ull

/* Our end of every tunnel, and the far end of number 0; those of the others follow in the lower word. */
#define ENGINE_LOCAL_HIGH 0x20010db800010000ull
#define ENGINE_LOCAL_LOW 1ull
#define ENGINE_REMOTE_HIGH 0x20010db8000a0000ull
#define ENGINE_REMOTE_LOW 1ull
/* The key of the outer flow labels' hash. */
#define ENGINE_LABEL_FIRST 0x0123456789abcdefull
#define ENGINE_LABEL_SECOND 0xfedcba9876543210ull

struct engine_traffic {
	enum engine_way way;
	uint32_t bindings;
	/* The numbers of the bindings, shuffled: packet n is of binding order[n % bindings]. */
	uint32_t *order;
};

/* Bindings of a role: /64s, or IPv4 home addresses for ENGINE_LMA_IPV4. NULL without memory. */
struct engine_traffic *engine_traffic_create(enum engine_way way, uint32_t bindings);
void engine_traffic_free(struct engine_traffic *traffic);

/* The upper word of a binding's /64, its IPv4 home address, its mobile node's link-layer address, its tunnel. */
uint64_t engine_prefix(uint32_t binding);
uint32_t engine_home_address(uint32_t binding);
uint64_t engine_mobile_node(uint32_t binding);
uint32_t engine_tunnel(uint32_t binding);

/* The port that the packets of a way come by. */
int engine_arrival(enum engine_way way);
/* Writes packet `number` as it is received; returns its octets. `frame` has ENGINE_LONGEST. */
size_t engine_frame(const struct engine_traffic *traffic, uint64_t number, uint8_t *frame);
/* The same as it must be sent, an outer flow label left 0. */
size_t engine_expected(const struct engine_traffic *traffic, uint64_t number, uint8_t *frame);
/* Whether a frame is what `engine_expected` says, with any flow label but 0 in a tunnel header that was pushed. */
int engine_is_expected(const struct engine_traffic *traffic, uint64_t number, const void *frame, size_t length);

/* The octets of packet `number`'s inner packet: what a traffic cell counts. */
size_t engine_inner_length(enum engine_way way);

/* Order and every octet matter. */
static inline uint64_t engine_digest(uint64_t sum, const void *octets, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum = (sum ^ ((const uint8_t *)octets)[i]) * 0x100000001b3;
	return sum;
}

/*
 * The processor's clock, read when everything before is done. Its rate does not follow the core's (constant_tsc), so a
 * cycle is one of this clock throughout.
 */
static inline uint64_t engine_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#else
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
	return ticks;
#endif
}

#endif
