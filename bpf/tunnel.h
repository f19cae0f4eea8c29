/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which packets to a local IPv6 address are the tunnel's: plain tunnel packets, and ICMPv6 errors about them.
 */
#ifndef FASTPATH_BPF_TUNNEL_H
#define FASTPATH_BPF_TUNNEL_H

#include "maps.h"
#include "packet.h"

/* The five headers that RFC 8200 section 4.1 allows in front of an inner packet, and one more. */
#define MAX_EXTENSION_HEADERS 6

/* Offset and more-fragments bit; without both, a Fragment header is in front of a whole packet (RFC 6946). */
#define FRAGMENT_MASK 0xfff9

#define ICMPV6_FIRST_ERROR 1 /* destination unreachable; then packet too big, time exceeded, parameter problem */
#define ICMPV6_LAST_ERROR 4

static __always_inline int is_tunnel_payload(int protocol)
{
	return protocol == PROTOCOL_IPV6 || protocol == PROTOCOL_IPV4;
}

static __always_inline int may_be_tunnelled(int protocol)
{
	return protocol == PROTOCOL_DESTINATION_OPTIONS || is_tunnel_payload(protocol);
}

/*
 * Moves the cursor to the upper-layer header and returns its protocol. Negative: a header runs past the frame, or the
 * packet is a part of something else. With more headers than allowed the return value is that of the first one too
 * many, which is nobody's payload. A part of what may be a tunnel packet counts as one: the inner packet or the options
 * with its limit begin behind the Fragment header. Hop-by-hop options anywhere but first are the kernel's to refuse
 * (RFC 8200 section 4.3).
 */
static __always_inline int upper_protocol(struct cursor *cursor, uint8_t protocol)
{
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		if (protocol == PROTOCOL_FRAGMENT) {
			struct fragment_header *fragment = take_fragment_header(cursor);

			if (!fragment)
				return -1;
			protocol = fragment->next_header;
			if (net16(fragment->offset_flags) & FRAGMENT_MASK)
				return may_be_tunnelled(protocol) ? PROTOCOL_IPV6 : -1;
		} else if ((protocol == PROTOCOL_HOP_BY_HOP && i == 0) || protocol == PROTOCOL_ROUTING ||
			   protocol == PROTOCOL_DESTINATION_OPTIONS) {
			struct options_header *options = take_options_header(cursor);

			if (!options)
				return -1;
			protocol = options->next_header;
		} else {
			break;
		}
	}
	return protocol;
}

/*
 * Does the ICMPv6 error at the cursor quote a packet that this node sent into a tunnel? Our own outer header may be
 * followed by the encapsulation limit's destination options or, when the outer packet was fragmented, a fragment
 * header (RFC 2473 sections 4.1.1 and 7.1).
 */
static __always_inline int quotes_our_tunnel(struct cursor *cursor)
{
	struct icmpv6_header *icmp = take_icmpv6_header(cursor);
	struct ipv6_header *quoted;
	struct steer_address source = {0};
	uint8_t protocol;

	if (!icmp || icmp->type < ICMPV6_FIRST_ERROR || icmp->type > ICMPV6_LAST_ERROR)
		return 0;
	quoted = take_ipv6_header(cursor);
	if (!quoted || quoted->version_class >> 4 != 6)
		return 0;
	ipv6_key(&source, quoted->source);
	if (!is_local(&source))
		return 0;
	protocol = quoted->next_header;
	if (protocol == PROTOCOL_DESTINATION_OPTIONS) {
		struct options_header *options = take_options_header(cursor);

		if (!options)
			return 0;
		protocol = options->next_header;
	} else if (protocol == PROTOCOL_FRAGMENT) {
		struct fragment_header *fragment = take_fragment_header(cursor);

		if (!fragment)
			return 0;
		return may_be_tunnelled(fragment->next_header);
	}
	return is_tunnel_payload(protocol);
}

/* The cursor is behind the IPv6 header of a packet to one of our addresses. */
static __always_inline int is_tunnel_packet(const struct steer_port *port, struct cursor *cursor, uint8_t next_header)
{
	int protocol = upper_protocol(cursor, next_header);

	if (is_tunnel_payload(protocol))
		return 1;
	/* A mobile node must not speak for the routers of the transport network. */
	if (protocol != PROTOCOL_ICMPV6 || port->kinds & STEER_PORT_ACCESS)
		return 0;
	return quotes_our_tunnel(cursor);
}

#endif
