/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers as they are on the wire, and the cursor that walks them. A function named take_*() moves the cursor behind
 * what it returns, or returns NULL and leaves it: nothing past `end` is ever read.
 *
 * Members have their natural alignment, as in the kernel's own header structs: Ethernet and VLAN headers are 14 + 4n
 * octets long, and the verifier counts NET_IP_ALIGN where the CPU cannot read unaligned words.
 */
#ifndef FASTPATH_BPF_PACKET_H
#define FASTPATH_BPF_PACKET_H

#include "kernel.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100	      /* IEEE 802.1Q customer tag */
#define ETHERTYPE_SERVICE_VLAN 0x88a8 /* IEEE 802.1ad service tag */
#define ETHERTYPE_IPV6 0x86dd

#define MAX_VLAN_TAGS 2

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_IPV4 4
#define PROTOCOL_UDP 17
#define PROTOCOL_IPV6 41
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_DESTINATION_OPTIONS 60

struct ethernet_header {
	_Alignas(2) uint8_t destination[6];
	_Alignas(2) uint8_t source[6];
	uint16_t type;
};

struct vlan_tag {
	uint16_t control;
	uint16_t type;
};

struct ipv4_header {
	uint8_t version_length;
	uint8_t service;
	uint16_t total_length;
	uint16_t identification;
	uint16_t flags_offset;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t checksum;
	_Alignas(4) uint8_t source[4];
	_Alignas(4) uint8_t destination[4];
};

struct ipv6_header {
	uint8_t version_class;
	uint8_t class_label;
	uint16_t label;
	uint16_t payload_length;
	uint8_t next_header;
	uint8_t hop_limit;
	_Alignas(4) uint8_t source[16];
	_Alignas(4) uint8_t destination[16];
};

/* RFC 8200 section 4: options and routing headers; `length` is in 8 octets, not counting the first 8. */
struct options_header {
	uint8_t next_header;
	uint8_t length;
};

struct fragment_header {
	uint8_t next_header;
	uint8_t reserved;
	uint16_t offset_flags;
	uint32_t identification;
};

struct icmpv6_header {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint32_t body;
};

struct udp_ports {
	uint16_t source;
	uint16_t destination;
};

_Static_assert(sizeof(struct ethernet_header) == 14, "ethernet_header");
_Static_assert(sizeof(struct vlan_tag) == 4, "vlan_tag");
_Static_assert(sizeof(struct ipv4_header) == 20, "ipv4_header");
_Static_assert(sizeof(struct ipv6_header) == 40, "ipv6_header");
_Static_assert(sizeof(struct fragment_header) == 8, "fragment_header");
_Static_assert(sizeof(struct icmpv6_header) == 8, "icmpv6_header");
_Static_assert(sizeof(struct udp_ports) == 4, "udp_ports");

struct cursor {
	void *position;
	void *end;
};

/* A macro, because the verifier must see the comparison of the very pointer that is then read. */
#define DEFINE_TAKE(header)                                                                                            \
	static __always_inline struct header *take_##header(struct cursor *cursor)                                     \
	{                                                                                                              \
		struct header *taken = cursor->position;                                                               \
                                                                                                                       \
		if ((void *)(taken + 1) > cursor->end)                                                                 \
			return 0;                                                                                      \
		cursor->position = taken + 1;                                                                          \
		return taken;                                                                                          \
	}

DEFINE_TAKE(ethernet_header)
DEFINE_TAKE(vlan_tag)
DEFINE_TAKE(ipv4_header)
DEFINE_TAKE(ipv6_header)
DEFINE_TAKE(fragment_header)
DEFINE_TAKE(icmpv6_header)
DEFINE_TAKE(udp_ports)

/* The whole options header, whose length is in itself, must be in the frame. */
static __always_inline struct options_header *take_options_header(struct cursor *cursor)
{
	struct options_header *taken = cursor->position;
	void *behind;

	if ((void *)(taken + 1) > cursor->end)
		return 0;
	behind = cursor->position + (((uint32_t)taken->length + 1) << 3);
	if (behind > cursor->end)
		return 0;
	cursor->position = behind;
	return taken;
}

#endif
