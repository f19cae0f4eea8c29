/* Fills a worker of the peer `c` with the suite's bindings, tunnels and routes. */
#ifndef ENGINE_PEER_SETUP_H
#define ENGINE_PEER_SETUP_H

#include "turn.h"

static inline void set_header(struct next_hop *hop, uint64_t destination, uint64_t source, uint8_t port)
{
	*hop = (struct next_hop){.header = {htobe64(destination << 16 | source >> 32), htobe64(source << 32)},
				 .header_length = ETHERNET,
				 .kind = RESOLVED,
				 .port = port};
}

/* Next hop 1 leads to the tunnels' far ends, 2 to the core. */
static inline void add_next_hops(struct worker *worker)
{
	worker->next_hops = map_huge(16 * sizeof(*worker->next_hops));
	worker->next_hop_slots = allocate(16, sizeof(*worker->next_hop_slots));
	for (uint32_t i = 1; i <= 2; i++)
		worker->next_hop_slots[i] = i;
	set_header(&worker->next_hops[1], ENGINE_TRANSPORT_NEIGHBOUR, ENGINE_TRANSPORT_MAC, !worker->is_gateway);
	set_header(&worker->next_hops[2], ENGINE_CORE_NEIGHBOUR, ENGINE_CORE_MAC, 0);
}

static inline void add_tunnels(struct worker *worker)
{
	struct prefix_hash *index = &worker->tunnel_index;

	*index = prefix_hash_create(ENGINE_TUNNELS);
	index->log_buckets = 4;
	worker->tunnels = map_huge((ENGINE_TUNNELS + 1) * sizeof(*worker->tunnels));
	worker->tunnel_slots = allocate(ENGINE_TUNNELS + 1, sizeof(*worker->tunnel_slots));
	worker->tunnel_cells = map_huge((ENGINE_TUNNELS + 1) * sizeof(*worker->tunnel_cells));
	for (uint32_t id = 1; id <= ENGINE_TUNNELS; id++) {
		struct tunnel *tunnel = &worker->tunnels[id];
		uint64_t hash;
		struct bucket *bucket;
		int slot;

		*tunnel = (struct tunnel){.local = {htobe64(ENGINE_LOCAL_HIGH), htobe64(ENGINE_LOCAL_LOW)},
					  .remote = {htobe64(ENGINE_REMOTE_HIGH), htobe64(ENGINE_REMOTE_LOW + id - 1)},
					  .id = id,
					  .next_hop = 1,
					  .mtu = 1460,
					  .hop_limit = 64,
					  .dscp = COPY_DSCP};
		worker->tunnel_slots[id] = id;
		hash = hash_key(index, tunnel->local[0], tunnel->local[1], index->seeds[1]);
		hash = hash_key(index, hash ^ tunnel->remote[0], tunnel->remote[1], index->seeds[1]);
		bucket = bucket_at(index, hash >> (64 - index->log_buckets));
		slot = slot_of(match_tags(bucket, 0).slots);
		bucket->records[slot] = id;
		bucket->tags[slot >> 2] |= (uint64_t)tag_of(hash) << (slot & 3) * 16;
	}
}

static inline void add_bindings(struct worker *worker, int is_ipv4, uint32_t bindings)
{
	struct prefix_hash *table = &worker->bindings;

	*table = prefix_hash_create(bindings);
	worker->binding_cells = map_huge((bindings + 1) * sizeof(*worker->binding_cells));
	for (uint32_t binding = 0; binding < bindings; binding++) {
		struct prefix prefix = {engine_prefix(binding), 0, 64, 1 + engine_tunnel(binding)};
		struct record *record;

		/* A home address in its mapped form: no IPv6 packet with such an address comes as far as a look-up. */
		if (is_ipv4)
			prefix = (struct prefix){0, 0xffff00000000ull | engine_home_address(binding), 128,
						 prefix.target};
		prefix_hash_insert(table, &prefix);
		record = &table->records[table->used];
		record->counter = table->used;
		if (worker->is_gateway) {
			record->flags = HAS_ACCESS;
			record->port = 1;
			record->link = engine_mobile_node(binding) << 16;
		}
	}
}

static inline void add_ports(struct worker *worker)
{
	struct port *transport = &worker->ports[!worker->is_gateway], *other = &worker->ports[worker->is_gateway];

	transport->kinds = TRANSPORT;
	transport->mac = ENGINE_TRANSPORT_MAC;
	transport->mtu = 1600;
	other->kinds = worker->is_gateway ? ACCESS : CORE;
	other->mac = worker->is_gateway ? ENGINE_ACCESS_MAC : ENGINE_CORE_MAC;
	other->mtu = 1500;
	worker->memory = map_huge((size_t)FRAMES * CHUNK);
	memset(worker->memory, 0, (size_t)FRAMES * CHUNK);
	for (int i = 0; i < FRAMES; i++)
		worker->free_frames[worker->free_count++] = (uint64_t)i * CHUNK;
}

static inline struct worker *make_worker(int is_gateway, int is_ipv4, uint32_t bindings)
{
	struct worker *worker = map_huge(sizeof(*worker));

	worker->is_gateway = is_gateway;
	worker->generation = 1;
	add_next_hops(worker);
	add_tunnels(worker);
	add_bindings(worker, is_ipv4, bindings);
	add_ports(worker);
	worker->locals[0] = (struct key){ENGINE_LOCAL_HIGH, ENGINE_LOCAL_LOW, 6};
	if (!is_gateway) {
		struct prefix everything = {0, 0, 0, 2};

		worker->routes = prefix_hash_create(64);
		prefix_hash_insert(&worker->routes, &everything);
		worker->pools[0] = (struct pool){0x20010db801000000, 0, leading_ones(40), 0, 6};
		worker->pools[1] = (struct pool){0, 0xffff0a000000, ~0ull, leading_ones(40), 4};
		worker->pool_count = 2;
	}
	return worker;
}

#endif
