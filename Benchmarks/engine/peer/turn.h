/*
 * A worker's turn of the peer `c`: receive, the stages over the batch, dispatch, a quiescent report.
 *
 * As the product's: a batch of 64, every stage a loop over it; two lines of each packet prefetched at receive, traffic
 * cells when the binding is looked at; counters are plain loads and stores of words that one thread writes.
 */
#ifndef ENGINE_PEER_TURN_H
#define ENGINE_PEER_TURN_H

#include "egress.h"

/* What the last turn sent has been read: its frames are free again. */
static ALWAYS_INLINE void reclaim(struct worker *worker, struct port *port)
{
	for (int i = 0; i < port->sent_count; i++)
		worker->free_frames[worker->free_count++] = port->sent[i].address & ~(uint64_t)(CHUNK - 1);
	port->sent_count = 0;
}

static ALWAYS_INLINE void receive(struct worker *worker, struct port *port)
{
	worker->count = port->pending_count;
	for (int i = 0; i < worker->count; i++) {
		worker->packets[i] =
			(struct packet){.address = port->pending[i].address, .length = port->pending[i].length};
		__builtin_prefetch(frame_of(worker, &worker->packets[i]), 1, 3);
		__builtin_prefetch(frame_of(worker, &worker->packets[i]) + 64, 1, 3);
	}
	port->pending_count = 0;
}

static ALWAYS_INLINE void process_anchor(struct worker *worker, uint8_t kinds)
{
	for (int i = 0; i < worker->count; i++) {
		struct packet *packet = &worker->packets[i];
		const uint8_t *frame = frame_of(worker, packet);

		parse(worker, packet, frame, kinds);
		if (packet->verdict == UNDECIDED)
			classify_anchor(worker, packet, frame, kinds, i);
	}
	resolve_bindings(worker);
	for (int i = 0; i < worker->count; i++) {
		struct packet *packet = &worker->packets[i];
		const uint8_t *frame = frame_of(worker, packet);

		if (packet->verdict != UNDECIDED)
			continue;
		if (packet->path == ENCAPSULATE) {
			authorize_downlink(worker, packet);
			continue;
		}
		if (!arrive(worker, packet, frame, packet->source))
			continue;
		authorize_uplink(worker, packet, frame);
		if (packet->verdict == UNDECIDED && packet->path == ROUTE)
			request(worker, destination_of(packet, frame), i, 0);
	}
	resolve_routes(worker);
}

static ALWAYS_INLINE void process_gateway(struct worker *worker, uint8_t kinds, int port)
{
	for (int i = 0; i < worker->count; i++) {
		struct packet *packet = &worker->packets[i];
		const uint8_t *frame = frame_of(worker, packet);

		parse(worker, packet, frame, kinds);
		if (packet->verdict == UNDECIDED)
			classify_gateway(worker, packet, frame, kinds, i);
	}
	resolve_bindings(worker);
	for (int i = 0; i < worker->count; i++) {
		struct packet *packet = &worker->packets[i];
		const uint8_t *frame = frame_of(worker, packet);
		const struct record *binding = &worker->bindings.records[packet->source];

		if (packet->verdict != UNDECIDED)
			continue;
		if (packet->path == DELIVER) {
			if (arrive(worker, packet, frame, packet->destination))
				authorize_delivery(worker, packet, frame);
			continue;
		}
		authorize_source(worker, packet, frame, port);
		/* Local routing is off, as in the product's configuration, and in the bindings. */
		if (packet->verdict == UNDECIDED && binding->flags & LOCAL_ROUTING_ON)
			decide(packet, PUNT, NOT_OURS);
	}
}

static ALWAYS_INLINE struct cell *cell_of(const struct worker *worker, uint32_t binding)
{
	return &worker->binding_cells[worker->bindings.records[binding].counter];
}

static ALWAYS_INLINE void count_up(struct worker *worker, uint32_t tunnel, uint32_t binding, uint64_t octets)
{
	struct cell *cell = cell_of(worker, binding);

	worker->tunnel_cells[tunnel].up_packets++;
	worker->tunnel_cells[tunnel].up_octets += octets;
	cell->up_packets++;
	cell->up_octets += octets;
}

static ALWAYS_INLINE void count_down(struct worker *worker, uint32_t tunnel, uint32_t binding, uint64_t octets)
{
	struct cell *cell = cell_of(worker, binding);

	worker->tunnel_cells[tunnel].down_packets++;
	worker->tunnel_cells[tunnel].down_octets += octets;
	cell->down_packets++;
	cell->down_octets += octets;
}

static ALWAYS_INLINE void count(struct worker *worker, const struct packet *packet, int is_gateway)
{
	if (packet->path == ENCAPSULATE) {
		if (is_gateway)
			count_up(worker, packet->departure, packet->source, packet->inner_length);
		else
			count_down(worker, packet->departure, packet->destination, packet->inner_length);
	} else if (packet->path == DELIVER) {
		count_down(worker, packet->arrival, packet->destination, packet->inner_length);
	} else {
		count_up(worker, packet->arrival, packet->source, packet->inner_length);
		if (packet->path == HAIRPIN)
			count_down(worker, packet->departure, packet->destination, packet->inner_length);
	}
}

/* Every frame goes out or back to the pool, with one count. */
static ALWAYS_INLINE void dispatch(struct worker *worker, int is_gateway)
{
	int wanted[ENGINE_PORTS] = {0}, granted[ENGINE_PORTS], placed[ENGINE_PORTS] = {0};
	uint64_t octets[ENGINE_PORTS] = {0};

	for (int i = 0; i < worker->count; i++) {
		const struct packet *packet = &worker->packets[i];

		if (packet->verdict != TRANSMIT)
			continue;
		wanted[packet->port]++;
	}
	for (int i = 0; i < ENGINE_PORTS; i++) {
		int room = 2 * BATCH - worker->ports[i].sent_count;

		granted[i] = wanted[i] < room ? wanted[i] : room;
	}
	for (int i = 0; i < worker->count; i++) {
		struct packet *packet = &worker->packets[i];
		struct port *port = &worker->ports[packet->port];

		if (packet->verdict == TRANSMIT && placed[packet->port] < granted[packet->port]) {
			octets[packet->port] += packet->sent_length;
			port->sent[port->sent_count + placed[packet->port]++] = (struct descriptor){
				packet->address + (uint64_t)(int64_t)packet->start, packet->sent_length};
			count(worker, packet, is_gateway);
			continue;
		}
		if (packet->verdict == TRANSMIT)
			decide(packet, DROP, TX_FULL);
		worker->counters[packet->verdict * REASONS + packet->reason]++;
		worker->free_frames[worker->free_count++] = packet->address & ~(uint64_t)(CHUNK - 1);
	}
	for (int i = 0; i < ENGINE_PORTS; i++) {
		worker->ports[i].sent_count += granted[i];
		worker->transmitted[i][0] += (uint64_t)granted[i];
		worker->transmitted[i][1] += octets[i];
	}
}

static ALWAYS_INLINE void serve(struct worker *worker, int is_gateway)
{
	/* The writer publishes with release stores; its generation is read once a turn. */
	uint64_t generation = __atomic_load_n(&worker->generation, __ATOMIC_ACQUIRE);

	for (int i = 0; i < ENGINE_PORTS; i++)
		reclaim(worker, &worker->ports[i]);
	for (int i = 0; i < ENGINE_PORTS; i++) {
		struct port *port = &worker->ports[i];
		uint64_t octets = 0;

		receive(worker, port);
		if (!worker->count)
			continue;
		for (int at = 0; at < worker->count; at++)
			octets += worker->packets[at].length;
		worker->received[i][0] += (uint64_t)worker->count;
		worker->received[i][1] += octets;
		if (is_gateway)
			process_gateway(worker, port->kinds, i);
		else
			process_anchor(worker, port->kinds);
		for (int at = 0; at < worker->count; at++)
			if (worker->packets[at].verdict == UNDECIDED)
				forward(worker, &worker->packets[at], frame_of(worker, &worker->packets[at]));
		dispatch(worker, is_gateway);
	}
	__atomic_store_n(&worker->reported, generation, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) void turn(struct worker *worker)
{
	if (worker->is_gateway)
		serve(worker, 1);
	else
		serve(worker, 0);
}

#endif
