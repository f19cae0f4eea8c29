/* UPSERT and DELETE. */
#include "golden.h"

static struct frame batch(enum fp_type type, uint32_t id, uint16_t flags, uint16_t table, uint32_t count, uint16_t size)
{
	struct frame made = frame(type, id, flags, FP_OK, count, size);
	struct fp_scope scope = {.table = fp_put16(table)};

	add(&made, &scope, sizeof(scope));
	return made;
}

/* A record of a mixed frame: its tag, then `octets` of it, padded to `size`. */
static void add_tagged(struct frame *made, uint16_t table, const void *record, size_t octets, size_t size)
{
	struct fp_scope scope = {.table = fp_put16(table)};

	add(made, &scope, sizeof(scope));
	add(made, record, octets);
	add_zeros(made, size - octets);
}

static void check_binding_batches(void)
{
	struct fp_binding v6_binding = lma_v6(), v4_binding = lma_v4(), full = mag_full(), mag = mag_short(),
			  mip = mip_v4();
	struct frame made = batch(FP_UPSERT, 2, FP_ATOMIC, FP_BINDINGS, 2, 64);

	add(&made, &v6_binding, 64);
	add(&made, &v4_binding, 64);
	check("upsert-lma", &made);
	made = batch(FP_UPSERT, 3, FP_ATOMIC | FP_QUIESCED, FP_BINDINGS, 1, 192);
	add(&made, &full, 192);
	check("upsert-mag", &made);
	made = batch(FP_UPSERT, 4, 0, FP_BINDINGS, 2, 96);
	add(&made, &mag, 96);
	add(&made, &mip, 96);
	check("upsert-mag-short", &made);
}

void check_batches(void)
{
	struct fp_binding binding = lma_v6();
	struct fp_tunnel all = tunnel_all(), defaults = {.family = 6, .local = LMAA, .remote = MAG2};
	struct fp_route peers = {.from_family = 6,
				 .from_length = 64,
				 .to_family = 6,
				 .to_length = 64,
				 .flags = fp_put32(FP_RECEIVE_ONLY),
				 .lifetime = fp_put32(30),
				 .from = HNP1,
				 .to = HNP2,
				 .via_local = MAG1,
				 .via_remote = MAG2},
			local = route_local();
	struct fp_visitor host = visitor();
	struct fp_peer failed = peer_failed(), alive = {.family = 4, .state = FP_ALIVE, .address = v4("192.0.2.9")};
	struct frame made;

	check_binding_batches();
	made = batch(FP_UPSERT, 5, FP_ATOMIC, FP_TUNNELS, 2, 64);
	add(&made, &all, sizeof(all));
	add(&made, &defaults, sizeof(defaults));
	check("upsert-tunnels", &made);
	made = batch(FP_UPSERT, 6, FP_ATOMIC, FP_ROUTES, 2, 80);
	add(&made, &peers, sizeof(peers));
	add(&made, &local, sizeof(local));
	check("upsert-routes", &made);
	made = batch(FP_UPSERT, 7, FP_ATOMIC, FP_VISITORS, 1, 48);
	add(&made, &host, sizeof(host));
	check("upsert-visitor", &made);
	made = batch(FP_UPSERT, 18, FP_ATOMIC, FP_PEERS, 2, 32);
	add(&made, &failed, sizeof(failed));
	add(&made, &alive, sizeof(alive));
	check("upsert-peers", &made);
	made = batch(FP_UPSERT, 8, FP_ATOMIC, FP_MIXED, 4, 88);
	add_tagged(&made, FP_TUNNELS, &all, 64, 80);
	add_tagged(&made, FP_BINDINGS, &binding, 64, 80);
	add_tagged(&made, FP_ROUTES, &local, 80, 80);
	add_tagged(&made, FP_VISITORS, &host, 48, 80);
	check("upsert-mixed", &made);
}

void check_deletes(void)
{
	struct fp_binding expect = {.family = 6,
				    .prefix_length = 64,
				    .flags = fp_put32(FP_EXPECT),
				    .prefix = HNP1,
				    .tunnel_remote = MAG1},
			  mip = {.cache = FP_MIP, .family = 6, .prefix_length = 128, .prefix = v6("2001:db8:100:1::5")},
			  remote = {.flags = fp_put32(FP_REMOTE), .tunnel_remote = MAG1},
			  of_cache = {.cache = FP_MIP,
				      .flags = fp_put32(FP_REMOTE | FP_REMOTE_CACHE | FP_TUNNEL_IPV4),
				      .tunnel_remote = v4("192.0.2.9")};
	struct fp_tunnel tunnel = {.family = 6, .local = LMAA, .remote = MAG1};
	struct fp_route route = {
		.from_family = 6, .from_length = 64, .to_family = 6, .to_length = 64, .from = HNP1, .to = HNP2};
	struct fp_visitor host = visitor();
	struct fp_peer peer = {.family = 6, .address = MAG1};
	struct frame made = batch(FP_DELETE, 9, FP_ATOMIC, FP_BINDINGS, 2, 64);

	add(&made, &expect, 64);
	add(&made, &mip, 64);
	check("delete-expect", &made);
	made = batch(FP_DELETE, 10, 0, FP_MIXED, 3, 56);
	add_tagged(&made, FP_TUNNELS, &tunnel, 48, 48);
	add_tagged(&made, FP_ROUTES, &route, 48, 48);
	add_tagged(&made, FP_VISITORS, &host, 32, 48);
	check("delete-mixed", &made);
	made = batch(FP_DELETE, 19, FP_ATOMIC, FP_PEERS, 1, 32);
	add(&made, &peer, 32);
	check("delete-peer", &made);
	made = batch(FP_DELETE, 20, FP_ATOMIC, FP_BINDINGS, 2, 64);
	add(&made, &remote, 64);
	add(&made, &of_cache, 64);
	check("delete-remote", &made);
}
