/* What comes as named items: STATUS, COUNTERS, EVENT, the memory file of STATS. */
#include <string.h>

#include "golden.h"

static void add_item(struct frame *made, const char *key, const char *value)
{
	struct fp_item item = {.key_octets = fp_put16((uint16_t)strlen(key)),
			       .value_octets = fp_put16((uint16_t)strlen(value))};

	add(made, &item, sizeof(item));
	add_text(made, key);
	add_text(made, value);
}

static void add_counter(struct frame *made, const char *name, uint64_t value)
{
	struct fp_counter counter = {.value = fp_put64(value), .name_octets = fp_put16((uint16_t)strlen(name))};

	add(made, &counter, sizeof(counter));
	add_text(made, name);
}

void check_lists(void)
{
	struct fp_counters_request all = {.all = 1};
	struct frame made = frame(FP_STATUS, 16, 0, FP_OK, 0, 0);

	check("status-request", &made);
	made = frame(FP_STATUS, 16, FP_REPLY, FP_OK, 2, 0);
	add_item(&made, "role", "lma");
	add_item(&made, "warning.0", "rx ring of core: \xc2\xbd full");
	check("status-reply", &made);
	made = frame(FP_COUNTERS, 17, 0, FP_OK, 0, 0);
	add(&made, &all, sizeof(all));
	check("counters-request", &made);
	made = frame(FP_COUNTERS, 17, FP_REPLY | FP_MORE, FP_OK, 2, 0);
	add_counter(&made, "rx.core", UINT64_C(12345678901234567890));
	add_counter(&made, "drop.no-binding", 0);
	check("counters-reply", &made);
}

/* An event whose items are pairs of key and value, until a null pointer. */
static void check_event(const char *name, uint64_t sequence, uint32_t after, enum fp_event_kind kind,
			const char *const items[])
{
	struct fp_event event = {.sequence = fp_put64(sequence),
				 .nanoseconds = fp_put64(UINT64_C(1000000000) + after),
				 .kind = fp_put16((uint16_t)kind)};
	struct frame made;
	uint32_t count = 0;

	while (items[2 * count])
		count++;
	event.count = fp_put32(count);
	made = frame(FP_EVENT, 32, FP_REPLY, FP_OK, count, 0);
	add(&made, &event, sizeof(event));
	for (uint32_t index = 0; index < count; index++)
		add_item(&made, items[2 * index], items[2 * index + 1]);
	check(name, &made);
}

#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})

static void check_subscriptions(void)
{
	struct fp_subscribe mask = {.mask = fp_put64(1u << FP_EVENT_CHANGED | 1u << FP_EVENT_EXPIRED |
						     1u << FP_EVENT_PATH_MTU | 1u << FP_EVENT_PEER)},
			    none = {.mask = fp_put64(0)};
	struct fp_outcome outcome = {.index = fp_put32(FP_NO_INDEX), .generation = fp_put64(46)};
	struct frame made = frame(FP_SUBSCRIBE, 32, 0, FP_OK, 0, 0);

	add(&made, &mask, sizeof(mask));
	check("subscribe-request", &made);
	made = frame(FP_SUBSCRIBE, 33, 0, FP_OK, 0, 0);
	add(&made, &none, sizeof(none));
	check("subscribe-end", &made);
	made = frame(FP_SUBSCRIBE, 32, FP_REPLY, FP_OK, 0, 0);
	add(&made, &outcome, sizeof(outcome));
	check("subscribe-reply", &made);
}

void check_events(void)
{
	check_subscriptions();
	check_event("event-changed-set", 1, 7, FP_EVENT_CHANGED,
		    ITEMS("event", "changed", "operation", "set", "owner", "0", "table", "pmip", "prefix",
			  "2001:db8:100:1::/64", "tunnel.local", "2001:db8:1::1", "tunnel.remote", "2001:db8:b::1",
			  "lifetime", "3600", "state", "active"));
	check_event("event-changed-delete", 2, 8, FP_EVENT_CHANGED,
		    ITEMS("event", "changed", "operation", "delete", "owner", "4294967295", "visitor",
			  "2001:db8:aaaa::/64"));
	check_event("event-expired", 3, 9, FP_EVENT_EXPIRED,
		    ITEMS("event", "expired", "table", "pmip", "prefix", "203.0.113.10/32", "mn", "m\xc3\xa4rzmn1",
			  "reason", "lifetime"));
	check_event("event-route-expired", 4, 10, FP_EVENT_EXPIRED,
		    ITEMS("event", "route-expired", "from", "2001:db8:100:1::/64", "to", "2001:db8:100:2::/64"));
	check_event("event-path-mtu", 5, 11, FP_EVENT_PATH_MTU,
		    ITEMS("event", "path-mtu", "local", "2001:db8:1::1", "remote", "2001:db8:a::1", "mtu", "1400"));
	check_event("event-overflow", 99, 12, FP_EVENT_OVERFLOW,
		    ITEMS("event", "overflow", "first-lost", "6", "lost", "94"));
	check_event("event-bulk", 100, 13, FP_EVENT_BULK,
		    ITEMS("event", "bulk", "operation", "swept", "owner", "7", "count", "1000000"));
}

void check_statistics(void)
{
	static const char first[] = "rx.core", second[] = "drop.no-binding";
	struct fp_stats_reply reply = {.size = fp_put64(136), .version = fp_put32(1)};
	struct fp_stats_area area = {.magic = "FPSTATS",
				     .version = fp_put32(1),
				     .sequence = fp_put64(42),
				     .nanoseconds = fp_put64(1000000014),
				     .directory = fp_put64(sizeof(area)),
				     .count = fp_put64(2)};
	struct fp_stats_item items[] = {
		{.name = fp_put32(96), .name_octets = fp_put16(sizeof(first) - 1), .value = fp_put64(120)},
		{.name = fp_put32(103), .name_octets = fp_put16(sizeof(second) - 1), .value = fp_put64(128)}};
	fp_u64 values[] = {fp_put64(UINT64_C(12345678901234567890)), fp_put64(0)};
	struct frame made = frame(FP_STATS, 34, 0, FP_OK, 0, 0), memory = {.length = 0};

	check("stats-request", &made);
	made = frame(FP_STATS, 34, FP_REPLY, FP_OK, 0, 0);
	add(&made, &reply, sizeof(reply));
	check("stats-reply", &made);
	add(&memory, &area, sizeof(area));
	add(&memory, items, sizeof(items));
	add_text(&memory, first);
	add_text(&memory, second);
	add_zeros(&memory, 2);
	add(&memory, values, sizeof(values));
	check_octets("stats-area", &memory);
}
