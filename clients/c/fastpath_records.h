/* The records of the tables: what fastpath_protocol.h includes. */
#ifndef FASTPATH_RECORDS_H
#define FASTPATH_RECORDS_H

enum fp_binding_flag {
	FP_LOCAL_ROUTING_GIVEN = 1 << 0,
	FP_LOCAL_ROUTING = 1 << 1,
	FP_ACCESS = 1 << 2,
	FP_GRE_UP = 1 << 3,
	FP_GRE_DOWN = 1 << 4,
	FP_PEER = 1 << 5,
	FP_TUNNEL_IPV4 = 1 << 6,
	FP_EXPECT = 1 << 7,
	FP_REQUIRE_ESP = 1 << 8,
	FP_REMOTE = 1 << 9,
	FP_REMOTE_CACHE = 1 << 10
};
enum fp_cache { FP_PMIP = 0, FP_MIP = 1 };
enum fp_state { FP_ACTIVE, FP_PENDING, FP_DEREGISTERING, FP_REDIRECTING, FP_BUFFERING, FP_FLUSHING, FP_RELAYING };

/* 64 octets are enough for an LMA, 96 for a MAG, 128 for a handover without a name. */
struct fp_binding {
	uint8_t cache, family, prefix_length, state;
	fp_u32 flags, lifetime, reserved;
	fp_address prefix, tunnel_local, tunnel_remote;
	char port[16];
	uint8_t mac[6];
	fp_u16 vlan;
	fp_u32 gre_up, gre_down;
	fp_address peer_local, peer_remote;
	char mobile_node[64];
};
FP_SIZE(fp_binding, 192);
FP_AT(fp_binding, prefix, 16);
FP_AT(fp_binding, port, 64);
FP_AT(fp_binding, vlan, 86);
FP_AT(fp_binding, peer_local, 96);
FP_AT(fp_binding, mobile_node, 128);

enum fp_tunnel_flag {
	FP_STATIC = 1 << 0,
	FP_HOP_LIMIT = 1 << 1,
	FP_MTU = 1 << 2,
	FP_ENCAPSULATION_LIMIT = 1 << 3,
	FP_NO_ENCAPSULATION_LIMIT = 1 << 4,
	FP_DSCP = 1 << 5,
	FP_DSCP_COPY = 1 << 6,
	FP_DSCP_UNIFORM = 1 << 7
};

struct fp_tunnel {
	uint8_t family, hop_limit, dscp, ecn;
	fp_u32 flags;
	fp_u16 mtu;
	uint8_t encapsulation_limit, reserved;
	fp_u32 users;
	fp_address local, remote;
	uint8_t reserved2[16];
};
FP_SIZE(fp_tunnel, 64);
FP_AT(fp_tunnel, users, 12);
FP_AT(fp_tunnel, remote, 32);

enum fp_route_flag { FP_RECEIVE_ONLY = 1 << 0, FP_VIA_LOCAL = 1 << 1, FP_VIA_IPV4 = 1 << 2 };

struct fp_route {
	uint8_t from_family, from_length, to_family, to_length;
	fp_u32 flags, lifetime, reserved;
	fp_address from, to, via_local, via_remote;
};
FP_SIZE(fp_route, 80);
FP_AT(fp_route, via_local, 48);

struct fp_visitor {
	uint8_t family, prefix_length, reserved[14];
	fp_address prefix;
	char port[16];
};
FP_SIZE(fp_visitor, 48);
FP_AT(fp_visitor, port, 32);

enum fp_peer_state { FP_FAILED = 1, FP_ALIVE = 2 };

struct fp_peer {
	uint8_t family, state, reserved[14];
	fp_address address;
};
FP_SIZE(fp_peer, 32);

#endif
