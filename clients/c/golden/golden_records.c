/* The records of the golden frames. */
#include "golden.h"

struct fp_binding lma_v6(void)
{
	return (struct fp_binding){.cache = FP_PMIP,
				   .family = 6,
				   .prefix_length = 64,
				   .lifetime = fp_put32(3600),
				   .prefix = HNP1,
				   .tunnel_local = LMAA,
				   .tunnel_remote = MAG1};
}

struct fp_binding lma_v4(void)
{
	return (struct fp_binding){.family = 4,
				   .prefix_length = 32,
				   .state = FP_PENDING,
				   .prefix = v4("203.0.113.10"),
				   .tunnel_local = LMAA,
				   .tunnel_remote = MAG1};
}

struct fp_binding mag_full(void)
{
	return (struct fp_binding){.cache = FP_MIP,
				   .family = 6,
				   .prefix_length = 128,
				   .state = FP_REDIRECTING,
				   .flags = fp_put32(FP_LOCAL_ROUTING_GIVEN | FP_LOCAL_ROUTING | FP_ACCESS | FP_GRE_UP |
						     FP_GRE_DOWN | FP_PEER),
				   .prefix = v6("2001:db8:100:1::5"),
				   .tunnel_local = MAG1,
				   .tunnel_remote = LMAA,
				   .port = "access1",
				   .mac = {2, 0, 0, 0, 1, 0x10},
				   .vlan = fp_put16(100),
				   .gre_up = fp_put32(0xdeadbeef),
				   .gre_down = fp_put32(7),
				   .peer_local = MAG1,
				   .peer_remote = MAG2,
				   .mobile_node = "mn1@example"};
}

struct fp_binding mag_short(void)
{
	return (struct fp_binding){.family = 6,
				   .prefix_length = 64,
				   .flags = fp_put32(FP_LOCAL_ROUTING_GIVEN | FP_ACCESS),
				   .prefix = HNP2,
				   .tunnel_local = MAG1,
				   .tunnel_remote = LMAA,
				   .port = "access1",
				   .mac = {2, 0, 0, 0, 2, 0x10}};
}

struct fp_binding mip_v4(void)
{
	return (struct fp_binding){.cache = FP_MIP,
				   .family = 4,
				   .prefix_length = 24,
				   .flags = fp_put32(FP_TUNNEL_IPV4),
				   .lifetime = fp_put32(1),
				   .prefix = v4("198.51.100.0"),
				   .tunnel_local = v4("192.0.2.1"),
				   .tunnel_remote = v4("192.0.2.9")};
}

struct fp_tunnel tunnel_all(void)
{
	return (struct fp_tunnel){
		.family = 6,
		.hop_limit = 64,
		.dscp = 46,
		.ecn = 2,
		.flags = fp_put32(FP_STATIC | FP_HOP_LIMIT | FP_MTU | FP_ENCAPSULATION_LIMIT | FP_DSCP),
		.mtu = fp_put16(1460),
		.encapsulation_limit = 4,
		.local = LMAA,
		.remote = MAG1};
}

struct fp_tunnel tunnel_named(void)
{
	return (struct fp_tunnel){
		.family = 6,
		.ecn = 1,
		.flags = fp_put32(FP_MTU | FP_ENCAPSULATION_LIMIT | FP_NO_ENCAPSULATION_LIMIT | FP_DSCP | FP_DSCP_COPY),
		.users = fp_put32(3),
		.local = LMAA,
		.remote = MAG1};
}

struct fp_route route_local(void)
{
	return (struct fp_route){.from_family = 4,
				 .from_length = 32,
				 .to_family = 4,
				 .to_length = 32,
				 .flags = fp_put32(FP_VIA_LOCAL),
				 .from = v4("203.0.113.10"),
				 .to = v4("203.0.113.11")};
}

struct fp_visitor visitor(void)
{
	return (struct fp_visitor){
		.family = 6, .prefix_length = 64, .prefix = v6("2001:db8:aaaa::"), .port = "access1"};
}

struct fp_peer peer_failed(void)
{
	return (struct fp_peer){.family = 6, .state = FP_FAILED, .address = MAG1};
}
