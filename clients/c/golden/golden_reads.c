/* LOOKUP and DUMP. */
#include "golden.h"

static void check_lookup(const char *name, uint32_t id, struct fp_lookup key)
{
	struct frame made = frame(FP_LOOKUP, id, 0, FP_OK, 0, 0);

	add(&made, &key, sizeof(key));
	check(name, &made);
}

static void add_slice(struct frame *made, uint16_t table, uint64_t cookie)
{
	struct fp_dump_slice slice = {
		.scope.table = fp_put16(table), .cookie = fp_put64(cookie), .generation = fp_put64(43)};

	add(made, &slice, sizeof(slice));
}

static void check_dumps(void)
{
	struct fp_binding v6_binding = lma_v6(), v4_binding = lma_v4();
	struct fp_peer failed = peer_failed();
	struct fp_dump_request all = {.cookie = fp_put64(0)};
	struct frame made = frame(FP_DUMP, 15, 0, FP_OK, 0, 0);

	add(&made, &all, sizeof(all));
	check("dump-request", &made);
	made = frame(FP_DUMP, 15, FP_REPLY, FP_OK, 2, 64);
	add_slice(&made, FP_BINDINGS, 7);
	add(&made, &v6_binding, 64);
	add(&made, &v4_binding, 64);
	check("dump-slice", &made);
	made = frame(FP_DUMP, 21, FP_REPLY, FP_OK, 1, 32);
	add_slice(&made, FP_PEERS, 1);
	add(&made, &failed, 32);
	check("dump-peers", &made);
	made = frame(FP_DUMP, 15, FP_REPLY, FP_OK, 0, 0);
	add_slice(&made, FP_ALL_TABLES, 0);
	check("dump-end", &made);
}

void check_reads(void)
{
	struct fp_binding binding = lma_v6();
	struct fp_tunnel named = tunnel_named();
	struct fp_entry entry = {.scope.table = fp_put16(FP_BINDINGS),
				 .up_packets = fp_put64(10),
				 .up_octets = fp_put64(1000),
				 .down_packets = fp_put64(20),
				 .down_octets = fp_put64(2000)};
	struct frame made = frame(FP_LOOKUP, 12, FP_REPLY, FP_OK, 2, 232);

	add(&made, &entry, sizeof(entry));
	add(&made, &binding, sizeof(binding));
	entry.scope.table = fp_put16(FP_TUNNELS);
	add(&made, &entry, sizeof(entry));
	add(&made, &named, sizeof(named));
	add_zeros(&made, sizeof(binding) - sizeof(named));
	check("lookup-reply", &made);
	check_lookup("lookup-address", 11,
		     (struct fp_lookup){.kind = FP_BY_ADDRESS, .family = 4, .first = v4("203.0.113.10")});
	check_lookup("lookup-prefix", 12,
		     (struct fp_lookup){.kind = FP_BY_PREFIX, .family = 6, .first_length = 64, .first = HNP1});
	check_lookup("lookup-tunnel", 13,
		     (struct fp_lookup){.kind = FP_BY_TUNNEL, .family = 6, .first = LMAA, .second = MAG1});
	check_lookup("lookup-route", 14,
		     (struct fp_lookup){.kind = FP_BY_ROUTE,
					.family = 6,
					.first_length = 64,
					.second_length = 64,
					.first = HNP1,
					.second = HNP2});
	check_dumps();
}
