/*
 * Rewrite: every check first, then the tunnel header is pushed, popped or swapped in place, then the link-layer header.
 *
 * The product's checks: congestion marks at a tunnel's exit (RFC 6040 section 4.2), hop limit, no packet of the
 * tunnel's own, no extension headers at the entry (they might limit encapsulation), the tunnel's MTU, a resolved next
 * hop, the port's MTU, headroom.
 */
#ifndef ENGINE_PEER_EGRESS_H
#define ENGINE_PEER_EGRESS_H

#include "stages.h"

/* Where a packet goes and by which link-layer header. */
struct plan {
	uint64_t first, second;
	int length;
	uint8_t port;
};

/* Outer CE on a packet that does not understand it drops it; 0 then. */
static ALWAYS_INLINE int merge_congestion(struct worker *worker, struct packet *packet)
{
	const uint16_t unusual = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 13;
	uint8_t inner = packet->traffic_class & 3, outer = packet->outer_class & 3;
	uint8_t dscp = (packet->exit_rule & 2 ? packet->outer_class : packet->traffic_class) & 0xfc;
	int strict = packet->exit_rule & 1;

	/* The same mark inside and outside changes nothing. */
	if (LIKELY(inner == outer && !(packet->exit_rule & 2)))
		return 1;
	if (unusual >> (inner << 2 | outer) & 1)
		worker->unusual[inner << 2 | outer]++;
	if (outer == 3 && !inner && !strict)
		return 0;
	if (outer == 3 && (inner == 1 || inner == 2))
		inner = 3;
	else if (outer == 1 && inner == 2)
		inner = strict ? 2 : 1;
	packet->traffic_class = packet->outer_class = dscp | inner;
	return 1;
}

static ALWAYS_INLINE uint32_t flow_label(const struct packet *packet, const uint8_t *frame)
{
	const uint8_t *at = frame + packet->inner;
	uint64_t last, hash, addresses;
	uint32_t value;

	if (packet->family == 6) {
		last = at[6];
		if ((at[6] == 6 || at[6] == 17) && packet->inner_length >= IPV6 + 4)
			last |= (uint64_t)get32(at + IPV6) << 8;
		last |= (uint64_t)(get32(at) & 0xfffff) << 40;
		addresses = fold(get64(at + 8) ^ ENGINE_LABEL_FIRST, get64(at + 16) ^ ENGINE_LABEL_SECOND);
		addresses = fold(get64(at + 24) ^ ENGINE_LABEL_SECOND, get64(at + 32) ^ addresses);
	} else {
		int header = (at[0] & 15) * 4;

		last = at[9];
		if ((at[9] == 6 || at[9] == 17) && !(get16(at + 6) & 0x3fff) && packet->inner_length >= header + 4)
			last |= (uint64_t)get32(at + header) << 8;
		addresses = fold(get64(at + 12) ^ ENGINE_LABEL_FIRST, ENGINE_LABEL_SECOND);
	}
	hash = fold(addresses ^ ENGINE_LABEL_FIRST, last ^ ENGINE_LABEL_SECOND);
	value = (uint32_t)(hash ^ hash >> 32);
	value = (value ^ value >> 12) & 0xfffff;
	return value ? value : 1;
}

/* Fills the plan from a next hop, or decides the packet; 0 then. */
static ALWAYS_INLINE int resolve(const struct worker *worker, uint32_t id, struct plan *plan, struct packet *packet)
{
	const struct next_hop *hop = next_hop_at(worker, id);

	if (hop->kind != RESOLVED)
		return decide(packet, DROP, NO_ROUTE), 0;
	*plan = (struct plan){hop->header[0], hop->header[1], hop->header_length, hop->port};
	return 1;
}

/* The port's MTU and the frame's headroom; says what is sent. */
static ALWAYS_INLINE int place(const struct worker *worker, struct packet *packet, int network, int length,
			       const struct plan *plan)
{
	int start = network - plan->length;

	if (length > worker->ports[plan->port & (ENGINE_PORTS - 1)].mtu)
		return decide(packet, DROP, TOO_BIG), 0;
	if ((int)(packet->address & (CHUNK - 1)) + start < 0)
		return decide(packet, DROP, TOO_BIG), 0;
	packet->start = (int16_t)start;
	packet->sent_length = (uint16_t)(plan->length + length);
	return 1;
}

/* A word of an IPv4 header at `word` becomes `value`; RFC 1624 equation 3. */
static ALWAYS_INLINE void replace_word(uint8_t *header, int word, uint16_t value)
{
	uint32_t sum = (uint16_t)~get16(header + 10) + (uint16_t)~get16(header + word) + value;

	put16(header + word, value);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(header + 10, (uint16_t)~sum);
}

static ALWAYS_INLINE void rewrite_inner(const struct packet *packet, uint8_t *frame)
{
	uint8_t *at = frame + packet->inner;

	if (packet->family == 6) {
		at[7]--;
		if (packet->tunnelled)
			put16(at, (get16(at) & 0xf00f) | packet->traffic_class << 4);
	} else {
		replace_word(at, 8, get16(at + 8) - 0x100);
		if (packet->tunnelled)
			replace_word(at, 0, (get16(at) & 0xff00) | packet->traffic_class);
	}
}

static ALWAYS_INLINE void finish(struct packet *packet, uint8_t *frame, int network, int type, const struct plan *plan)
{
	uint8_t *at = frame + network - plan->length;

	put_raw64(at, plan->first);
	if (plan->length == ETHERNET)
		memcpy(at + 8, &plan->second, 4);
	else
		put_raw64(at + 8, plan->second);
	put16(frame + network - 2, (uint16_t)type);
	packet->port = plan->port;
	packet->verdict = TRANSMIT;
}

static ALWAYS_INLINE void encapsulate(struct worker *worker, struct packet *packet, uint8_t *frame)
{
	const struct tunnel *tunnel = tunnel_at(worker, packet->departure);
	uint8_t *at = frame + packet->inner, *outer = at - IPV6, class;
	struct plan plan;

	/* Anchored tunnels and options have code of their own in the product. */
	if (tunnel->flags || tunnel->has_limit)
		return decide(packet, DROP, NOT_OURS);
	if (packet->family == 6) {
		if (!((raw64(at + 24) ^ tunnel->remote[0]) | (raw64(at + 32) ^ tunnel->remote[1]) |
		      (raw64(at + 8) ^ tunnel->local[0]) | (raw64(at + 16) ^ tunnel->local[1])))
			return decide(packet, DROP, LOOP);
		if (is_extension(at[6]))
			return decide(packet, DROP, NOT_OURS);
	}
	if (packet->inner_length > tunnel->mtu)
		return decide(packet, DROP, TOO_BIG);
	if (!resolve(worker, tunnel->next_hop, &plan, packet) ||
	    !place(worker, packet, packet->inner - IPV6, IPV6 + packet->inner_length, &plan))
		return;
	rewrite_inner(packet, frame);
	class = (uint8_t)((tunnel->dscp > 63 ? packet->traffic_class >> 2 : tunnel->dscp) << 2);
	class |= tunnel->ecn == 1 ? 0 : packet->traffic_class & 3;
	put32(outer, 6u << 28 | (uint32_t) class << 20 | flow_label(packet, frame));
	put32(outer + 4,
	      (uint32_t)packet->inner_length << 16 | (packet->family == 6 ? 41u : 4u) << 8 | tunnel->hop_limit);
	put_raw64(outer + 8, tunnel->local[0]);
	put_raw64(outer + 16, tunnel->local[1]);
	put_raw64(outer + 24, tunnel->remote[0]);
	put_raw64(outer + 32, tunnel->remote[1]);
	finish(packet, frame, packet->inner - IPV6, TYPE_IPV6, &plan);
}

static ALWAYS_INLINE void leave_plain(struct worker *worker, struct packet *packet, uint8_t *frame,
				      const struct plan *plan)
{
	if (!place(worker, packet, packet->inner, packet->inner_length, plan))
		return;
	rewrite_inner(packet, frame);
	finish(packet, frame, packet->inner, packet->family == 6 ? TYPE_IPV6 : TYPE_IPV4, plan);
}

static ALWAYS_INLINE void deliver(struct worker *worker, struct packet *packet, uint8_t *frame)
{
	const struct record *binding = &worker->bindings.records[packet->destination];
	uint64_t source, mac = binding->link >> 16;
	uint16_t vlan = (uint16_t)binding->link;
	struct plan plan;

	if (!(binding->flags & HAS_ACCESS) || binding->port >= ENGINE_PORTS)
		return decide(packet, DROP, NOT_ON_LINK);
	source = worker->ports[binding->port].mac;
	plan.first = htobe64(mac << 16 | source >> 32);
	plan.second = htobe64(source << 32 | (vlan ? (uint64_t)TYPE_VLAN << 16 | vlan : 0));
	plan.length = vlan ? ETHERNET + TAG : ETHERNET;
	plan.port = binding->port;
	leave_plain(worker, packet, frame, &plan);
}

static ALWAYS_INLINE void forward(struct worker *worker, struct packet *packet, uint8_t *frame)
{
	const uint8_t *at = frame + packet->inner;
	struct plan plan;

	if (packet->tunnelled && !merge_congestion(worker, packet))
		return decide(packet, DROP, ECN);
	if ((packet->family == 6 ? at[7] : at[8]) <= 1)
		return decide(packet, DROP, HOP_LIMIT);
	if (packet->path == ENCAPSULATE || packet->path == HAIRPIN)
		encapsulate(worker, packet, frame);
	else if (packet->path == DELIVER)
		deliver(worker, packet, frame);
	else if (!packet->next_hop)
		decide(packet, DROP, NO_ROUTE);
	else if (resolve(worker, packet->next_hop, &plan, packet))
		leave_plain(worker, packet, frame, &plan);
}

#endif
