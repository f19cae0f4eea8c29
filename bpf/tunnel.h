/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which packets to a local IPv6 address are the tunnel's: plain tunnel packets, and ICMPv6 errors about them.
 */
#ifndef FASTPATH_BPF_TUNNEL_H
#define FASTPATH_BPF_TUNNEL_H

#include "maps.h"
#include "packet.h"

/* A tunnel entry point writes one options header at most (RFC 2473 section 4.1.1); four is generous. */
#define MAX_OPTIONS_HEADERS 4

#define ICMPV6_FIRST_ERROR 1 /* destination unreachable; then packet too big, time exceeded, parameter problem */
#define ICMPV6_LAST_ERROR 4

static __always_inline int is_tunnel_payload(int protocol)
{
	return protocol == PROTOCOL_IPV6 || protocol == PROTOCOL_IPV4;
}

/*
 * Moves the cursor to the upper-layer header and returns its protocol. Negative: a header runs past the frame. With
 * more options headers than allowed the return value is that of the first one too many, which is nobody's payload.
 */
static __always_inline int upper_protocol(struct cursor *cursor, uint8_t protocol)
{
	for (int i = 0; i < MAX_OPTIONS_HEADERS; i++) {
		struct options_header *options;

		if (protocol != PROTOCOL_HOP_BY_HOP && protocol != PROTOCOL_DESTINATION_OPTIONS)
			break;
		options = take_options_header(cursor);
		if (!options)
			return -1;
		protocol = options->next_header;
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
		protocol = fragment->next_header;
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
