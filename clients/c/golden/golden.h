/* Builds frames with the layouts of fastpath_protocol.h, to be compared with the golden ones. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "../fastpath_protocol.h"

struct frame {
	uint8_t octets[4096];
	size_t length;
};

/* A frame with everything in its header but the length. */
struct frame frame(enum fp_type type, uint32_t id, uint16_t flags, uint32_t status, uint32_t count, uint16_t size);
void add(struct frame *frame, const void *octets, size_t count);
void add_text(struct frame *frame, const char *text);
/* Adds octets up to a multiple: what a shorter record of a frame is padded to. */
void add_zeros(struct frame *frame, size_t count);

/* Compares with NAME.hex: frames after their length is entered, other octets as they are. */
void check(const char *name, struct frame *frame);
void check_octets(const char *name, const struct frame *octets);

fp_address v6(const char *text);
fp_address v4(const char *text);

#define LMAA v6("2001:db8:1::1")
#define MAG1 v6("2001:db8:a::1")
#define MAG2 v6("2001:db8:b::1")
#define HNP1 v6("2001:db8:100:1::")
#define HNP2 v6("2001:db8:100:2::")

/* golden_records.c */
struct fp_binding lma_v6(void);
struct fp_binding lma_v4(void);
struct fp_binding mag_full(void);
struct fp_binding mag_short(void);
struct fp_binding mip_v4(void);
struct fp_tunnel tunnel_all(void);
struct fp_tunnel tunnel_named(void);
struct fp_route route_local(void);
struct fp_visitor visitor(void);
struct fp_peer peer_failed(void);

/* golden_batches.c, golden_reads.c */
void check_batches(void);
void check_deletes(void);
void check_reads(void);

/* golden_messages.c */
void check_greetings(void);
void check_lists(void);
void check_transactions(void);
void check_synchronisation(void);
void check_events(void);
void check_statistics(void);

#endif
