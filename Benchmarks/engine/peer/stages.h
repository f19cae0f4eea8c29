/*
 * Classify, look up and authorize: which way a packet goes, and whether it may.
 *
 * The product's checks: at the anchor a destination that is not local, in a pool, from a source in none; the tunnel a
 * packet came by exists and is up; the inner source is bound to that very tunnel (mobile bindings have no table here,
 * as the product's is empty); the binding is active and wants no IPsec; the destination is nobody's of ours, or
 * another's. At the gateway the source is bound, to this port, link-layer address and VLAN, active, and the destination
 * is not local, not the prefix's anycast address and not in the sender's own prefix; downlink the tunnel is the
 * binding's. What is rare is refused where the product has more code for it; no packet of the suite comes there.
 */
#ifndef ENGINE_PEER_STAGES_H
#define ENGINE_PEER_STAGES_H

#include "parse.h"

enum {
	TUNNEL_FAILED = 6,
	RECORD_TOMBSTONE = 1,
	HAS_ACCESS = 2,
	LOCAL_ROUTING_ON = 8,
	REQUIRES_ESP = 16,
	FLUSHED = 32,
	VISITOR = 64
};

/* The tunnel of an outer header, 0 without one. */
static ALWAYS_INLINE uint32_t find_tunnel(const struct worker *worker, const uint8_t *outer)
{
	const struct prefix_hash *index = &worker->tunnel_index;
	uint64_t remote_high = raw64(outer + 8), remote_low = raw64(outer + 16);
	uint64_t local_high = raw64(outer + 24), local_low = raw64(outer + 32);
	uint64_t local = hash_key(index, local_high, local_low, index->seeds[1]);
	uint64_t hash = hash_key(index, local ^ remote_high, remote_low, index->seeds[1]);
	uint64_t number = hash >> (64 - index->log_buckets);
	struct match found;

	do {
		const struct bucket *bucket = bucket_at(index, number++);

		for (found = match_tags(bucket, tag_of(hash)); found.slots; found.slots &= found.slots - 1) {
			uint32_t at = __atomic_load_n(&bucket->records[slot_of(found.slots)], __ATOMIC_ACQUIRE);
			const struct tunnel *tunnel = &worker->tunnels[at];

			if (tunnel->remote[1] == remote_low && tunnel->remote[0] == remote_high &&
			    tunnel->local[1] == local_low && tunnel->local[0] == local_high)
				return tunnel->id;
		}
	} while (found.goes_on);
	return 0;
}

/*
 * Notes the tunnel a packet came by and its exit's rule; 0 when the packet is decided. It is nearly always the one of
 * the packet's binding.
 */
static ALWAYS_INLINE int arrive(const struct worker *worker, struct packet *packet, const uint8_t *frame,
				uint32_t binding)
{
	const uint8_t *outer = frame + packet->network;
	uint32_t id = worker->bindings.records[binding].target;
	const struct tunnel *tunnel = tunnel_at(worker, id);

	if ((raw64(outer + 8) ^ tunnel->remote[0]) | (raw64(outer + 16) ^ tunnel->remote[1]) |
	    (raw64(outer + 24) ^ tunnel->local[0]) | (raw64(outer + 32) ^ tunnel->local[1]))
		id = find_tunnel(worker, outer);
	if (!id)
		return decide(packet, DROP, UNKNOWN_TUNNEL), 0;
	tunnel = tunnel_at(worker, id);
	packet->arrival = tunnel->id;
	packet->exit_rule = (tunnel->ecn == 2) | (tunnel->dscp == UNIFORM_DSCP) << 1;
	if (tunnel->flags & TUNNEL_FAILED)
		return decide(packet, DROP, PEER_DOWN), 0;
	return 1;
}

static ALWAYS_INLINE void classify_anchor(struct worker *worker, struct packet *packet, const uint8_t *frame,
					  uint8_t kinds, int index)
{
	struct key destination = destination_of(packet, frame);

	if (packet->tunnelled) {
		packet->path = ROUTE;
		request(worker, source_of(packet, frame), index, 1);
	} else {
		if (is_local(worker, destination) || !(kinds & CORE) || !is_in_pool(worker, destination))
			return decide(packet, PUNT, NOT_OURS);
		if (is_in_pool(worker, source_of(packet, frame)))
			return decide(packet, DROP, MARTIAN);
		packet->path = ENCAPSULATE;
	}
	request(worker, destination, index, 0);
}

static ALWAYS_INLINE void classify_gateway(struct worker *worker, struct packet *packet, const uint8_t *frame,
					   uint8_t kinds, int index)
{
	if (packet->tunnelled) {
		packet->path = DELIVER;
		request(worker, destination_of(packet, frame), index, 0);
	} else if (kinds & ACCESS) {
		packet->path = ENCAPSULATE;
		request(worker, source_of(packet, frame), index, 1);
	} else {
		decide(packet, PUNT, NOT_OURS);
	}
}

static ALWAYS_INLINE void resolve_bindings(struct worker *worker)
{
	for (int at = 0; at < worker->key_count; at += BATCH) {
		int count = worker->key_count - at < BATCH ? worker->key_count - at : BATCH;

		prefix_hash_lookup(&worker->bindings, worker->keys + at, count, worker->results + at);
	}
	for (int i = 0; i < worker->key_count; i++) {
		struct packet *packet = &worker->packets[worker->owners[i] & 63];

		if (worker->owners[i] & 128)
			packet->source = worker->results[i];
		else
			packet->destination = worker->results[i];
	}
	worker->key_count = 0;
}

static ALWAYS_INLINE void resolve_routes(struct worker *worker)
{
	if (!worker->key_count)
		return;
	prefix_hash_lookup(&worker->routes, worker->keys, worker->key_count, worker->results);
	for (int i = 0; i < worker->key_count; i++)
		worker->packets[worker->owners[i]].next_hop = worker->routes.records[worker->results[i]].target;
	worker->key_count = 0;
}

/* The traffic cell that the packet will be counted in: of a million bindings it is surely cold. */
static ALWAYS_INLINE void prefetch_cell(const struct worker *worker, const struct record *binding)
{
	__builtin_prefetch(&worker->binding_cells[binding->counter], 1, 3);
}

static ALWAYS_INLINE void authorize_downlink(struct worker *worker, struct packet *packet)
{
	const struct record *binding = &worker->bindings.records[packet->destination];

	if (!packet->destination)
		return decide(packet, DROP, NO_BINDING);
	if (binding->state)
		return decide(packet, DROP, NOT_ACTIVE);
	prefetch_cell(worker, binding);
	packet->departure = binding->target;
}

static ALWAYS_INLINE void authorize_uplink(struct worker *worker, struct packet *packet, const uint8_t *frame)
{
	const struct record *binding = &worker->bindings.records[packet->source];
	struct key destination;

	/* A home test hides behind extension headers; who came by another tunnel has no second table to be in. */
	if (!packet->source || (packet->family == 6 && is_extension(frame[packet->inner + 6])) ||
	    binding->target != packet->arrival)
		return decide(packet, DROP, SOURCE_NOT_BOUND);
	if (binding->state)
		return decide(packet, DROP, NOT_ACTIVE);
	prefetch_cell(worker, binding);
	if (binding->flags & REQUIRES_ESP)
		return decide(packet, DROP, SOURCE_NOT_BOUND);
	destination = destination_of(packet, frame);
	if (is_local(worker, destination))
		return decide(packet, PUNT, INNER_LOCAL);
	if (!packet->destination) {
		if (is_in_pool(worker, destination))
			decide(packet, DROP, NO_BINDING);
		return;
	}
	if (packet->destination == packet->source)
		return decide(packet, DROP, LOOP);
	packet->path = HAIRPIN;
	authorize_downlink(worker, packet);
}

static ALWAYS_INLINE int is_router_anycast(struct key address, const struct record *binding)
{
	return binding->class < 127 && address.family == 6 && address.high == binding->high &&
	       address.low == binding->low;
}

static ALWAYS_INLINE void authorize_source(struct worker *worker, struct packet *packet, const uint8_t *frame, int port)
{
	const struct record *binding = &worker->bindings.records[packet->source];
	uint64_t mac = (uint64_t)get16(frame + 6) << 32 | get32(frame + 8);
	struct key destination;
	uint64_t high, low;
	int same;

	if (!packet->source)
		return decide(packet, DROP, SOURCE_NOT_BOUND);
	prefetch_cell(worker, binding);
	if ((binding->flags & (HAS_ACCESS | VISITOR)) != HAS_ACCESS || binding->port != port ||
	    binding->link >> 16 != mac || (uint16_t)binding->link != packet->vlan)
		return decide(packet, DROP, NOT_ON_LINK);
	if (binding->state)
		return decide(packet, DROP, NOT_ACTIVE);
	destination = destination_of(packet, frame);
	if (is_local(worker, destination) || is_router_anycast(destination, binding))
		return decide(packet, PUNT, NOT_OURS);
	/* As many leading bits are the same as the prefix has. */
	high = destination.high ^ binding->high;
	low = destination.low ^ binding->low;
	same = high ? __builtin_clzll(high) : low ? 64 + __builtin_clzll(low) : 128;
	if (same >= binding->class && destination.family == 6)
		return decide(packet, DROP, LOOP);
	packet->departure = binding->target;
}

static ALWAYS_INLINE void authorize_delivery(struct worker *worker, struct packet *packet, const uint8_t *frame)
{
	const struct record *binding = &worker->bindings.records[packet->destination];
	struct key destination = destination_of(packet, frame);

	prefetch_cell(worker, binding);
	if (is_local(worker, destination))
		return decide(packet, PUNT, INNER_LOCAL);
	if (binding->target != packet->arrival || binding->state || binding->flags & (FLUSHED | VISITOR))
		return decide(packet, DROP, NO_BINDING);
	if (is_router_anycast(destination, binding))
		decide(packet, PUNT, INNER_LOCAL);
}

#endif
