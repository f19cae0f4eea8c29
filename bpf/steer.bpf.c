// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Decides for each received frame: to the AF_XDP socket of its port and queue, or to the kernel's stack. Counts the
 * reason, does nothing else, and passes when in doubt: the host keeps working without the daemon, with empty maps, and
 * with a socket that died.
 *
 * Sources/FastPath/Steering is the same decision for offline replay. Tests/CXdpTests feed both the same packets;
 * change them together.
 */
#include "maps.h"
#include "packet.h"
#include "tunnel.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

#define ICMPV6_ROUTER_SOLICITATION 133
#define ICMPV6_REDIRECT 137

/* Everything but the low 13 bits is flags: a fragment with an offset has no UDP header. */
#define IPV4_OFFSET_MASK 0x1fff

static __always_inline enum steer_reason source_reason(const struct steer_port *port, const struct steer_prefix *key)
{
	const struct steer_source *source = bpf_map_lookup_elem(&sources, key);

	if (source && source->kind == STEER_SOURCE_VISITOR && source->port == port->index)
		return STEER_VISITOR;
	/* What is nobody's, or a visitor's of another link, is the worker's to drop, count and tell of. */
	return STEER_REDIRECTED;
}

/* A packet to nobody here: anchored at this LMA, sent from an access link of this MAG, or not ours. */
static __always_inline enum steer_reason
transit_reason(const struct steer_port *port, const struct steer_prefix *source, const struct steer_prefix *destination)
{
	if (port->kinds & STEER_PORT_CORE && bpf_map_lookup_elem(&pools, destination))
		return STEER_REDIRECTED;
	if (port->kinds & STEER_PORT_ACCESS)
		return source_reason(port, source);
	return STEER_NOT_OURS;
}

static __always_inline int is_neighbor_discovery(const struct ipv6_header *ip, struct cursor cursor)
{
	const uint8_t *type = cursor.position;

	/* RFC 4861 section 4: no extension header stands between. */
	if (ip->next_header != PROTOCOL_ICMPV6 || (void *)(type + 1) > cursor.end)
		return 0;
	return *type >= ICMPV6_ROUTER_SOLICITATION && *type <= ICMPV6_REDIRECT;
}

static __always_inline enum steer_reason ipv6_reason(const struct steer_port *port, struct cursor *cursor)
{
	struct steer_prefix source = {0};
	struct steer_prefix destination = {0};
	struct ipv6_header *ip = take_ipv6_header(cursor);

	if (!ip || ip->version_class >> 4 != 6)
		return STEER_MALFORMED;
	if (ip->destination[0] == 0xff)
		return STEER_MULTICAST;
	if (is_neighbor_discovery(ip, *cursor))
		return STEER_NEIGHBOR_DISCOVERY;
	if (ip->destination[0] == 0xfe && (ip->destination[1] & 0xc0) == 0x80)
		return STEER_LINK_LOCAL;
	ipv6_key(&destination.address, ip->destination);
	if (is_local(&destination.address))
		return is_tunnel_packet(port, cursor, ip->next_header) ? STEER_REDIRECTED : STEER_LOCAL;
	destination.bits = STEER_FAMILY_BITS + 128;
	ipv6_key(&source.address, ip->source);
	source.bits = STEER_FAMILY_BITS + 128;
	return transit_reason(port, &source, &destination);
}

static __always_inline int is_dhcp(const struct ipv4_header *ip, struct cursor cursor)
{
	uint32_t options = ((ip->version_length & 0x0f) - 5u) << 2;
	struct udp_ports *udp;

	if (ip->protocol != PROTOCOL_UDP || net16(ip->flags_offset) & IPV4_OFFSET_MASK)
		return 0;
	cursor.position += options & 0x3c;
	udp = take_udp_ports(&cursor);
	if (!udp)
		return 0;
	return net16(udp->source) == DHCP_SERVER_PORT || net16(udp->source) == DHCP_CLIENT_PORT ||
	       net16(udp->destination) == DHCP_SERVER_PORT || net16(udp->destination) == DHCP_CLIENT_PORT;
}

static __always_inline int is_ipv4_multicast_or_broadcast(const uint8_t octets[4])
{
	return (octets[0] & 0xf0) == 0xe0 || (octets[0] & octets[1] & octets[2] & octets[3]) == 0xff;
}

static __always_inline enum steer_reason ipv4_reason(const struct steer_port *port, struct cursor *cursor)
{
	struct steer_prefix source = {0};
	struct steer_prefix destination = {0};
	struct ipv4_header *ip = take_ipv4_header(cursor);

	if (!ip || ip->version_length >> 4 != 4 || (ip->version_length & 0x0f) < 5)
		return STEER_MALFORMED;
	if (is_ipv4_multicast_or_broadcast(ip->destination))
		return STEER_MULTICAST;
	if (port->kinds & STEER_PORT_ACCESS && is_dhcp(ip, *cursor))
		return STEER_DHCP;
	ipv4_key(&destination.address, ip->destination);
	if (is_local(&destination.address))
		return STEER_LOCAL;
	destination.bits = STEER_FAMILY_BITS + 32;
	ipv4_key(&source.address, ip->source);
	source.bits = STEER_FAMILY_BITS + 32;
	return transit_reason(port, &source, &destination);
}

/* RX-4: only frames to our own address are steered, so that a frame flooded to us is never forwarded. */
static __always_inline int is_for_port(const struct ethernet_header *eth, const struct steer_port *port)
{
	for (int i = 0; i < 6; i++)
		if (eth->destination[i] != port->mac[i])
			return 0;
	return 1;
}

static __always_inline enum steer_reason frame_reason(const struct steer_port *port, struct cursor *cursor)
{
	struct ethernet_header *eth = take_ethernet_header(cursor);
	uint16_t type;

	if (!eth)
		return STEER_MALFORMED;
	type = net16(eth->type);
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag;

		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SERVICE_VLAN)
			break;
		tag = take_vlan_tag(cursor);
		if (!tag)
			return STEER_MALFORMED;
		type = net16(tag->type);
	}
	if (type == ETHERTYPE_ARP)
		return STEER_ARP;
	if (type != ETHERTYPE_IPV6 && type != ETHERTYPE_IPV4)
		return STEER_ETHERTYPE;
	if (!is_for_port(eth, port))
		return STEER_OTHER_MAC;
	if (type == ETHERTYPE_IPV6)
		return ipv6_reason(port, cursor);
	return ipv4_reason(port, cursor);
}

SEC("xdp")
int fastpath_steer(struct xdp_md *context)
{
	struct cursor cursor = {
		.position = (void *)(long)context->data,
		.end = (void *)(long)context->data_end,
	};
	uint32_t interface = context->ingress_ifindex;
	uint32_t queue = context->rx_queue_index;
	const struct steer_port *port = bpf_map_lookup_elem(&ports, &interface);
	enum steer_reason reason;

	if (!port)
		return XDP_PASS;
	reason = frame_reason(port, &cursor);
	if (reason == STEER_REDIRECTED) {
		long verdict = XDP_PASS;

		if (queue < STEER_MAX_QUEUES)
			verdict = bpf_redirect_map(&xsks, port->index * STEER_MAX_QUEUES + queue, XDP_PASS);
		count(port, verdict == XDP_REDIRECT ? STEER_REDIRECTED : STEER_NO_SOCKET);
		return verdict;
	}
	count(port, reason);
	return XDP_PASS;
}

/* For libbpf's sake; none of the helpers used is restricted to GPL programs. */
char license_text[] SEC("license") = "Dual BSD/GPL";
