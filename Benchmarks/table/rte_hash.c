/*
 * The peer `rte_hash`: DPDK's cuckoo hash in its lock-free mode, 16-octet keys, bulks of 64. It has no prefixes, so it
 * is asked the /64 of each address as a user of it would: masked, then looked up; the data is the record's number.
 *
 * Usage: rte_hash CPU
 */
#include "dpdk.h"

#include <rte_hash.h>

#include "workload.h"

/* One cache line, like the product's record. */
struct record {
	uint64_t high, low;
	uint32_t target, unused[11];
};

struct hash_key {
	uint64_t high, low;
};

static struct rte_hash *table;
static struct record *records;
static struct prefix *prefixes;
static struct key *queries, *misses;
static uint64_t digest_of_answers;

/* Record numbers of a batch, 0 for keys without one. */
static inline void look_up(const struct key *keys, uint32_t *results)
{
	struct hash_key masked[BATCH];
	const void *pointers[BATCH];
	void *data[BATCH];
	uint64_t hits = 0;

	for (int i = 0; i < BATCH; i++) {
		masked[i] = (struct hash_key){keys[i].high, 0};
		pointers[i] = &masked[i];
	}
	rte_hash_lookup_bulk_data(table, pointers, BATCH, &hits, data);
	for (int i = 0; i < BATCH; i++) {
		results[i] = hits >> i & 1 ? (uint32_t)(uintptr_t)data[i] : 0;
		__builtin_prefetch(&records[results[i]], 0, 3);
	}
}

static uint64_t pass(const void *argument)
{
	const struct key *keys = argument;
	uint32_t results[BATCH];
	uint64_t sum = 0;

	for (int query = 0; query < QUERIES; query += BATCH) {
		look_up(&keys[query], results);
		for (int i = 0; i < BATCH; i++)
			sum += records[results[i]].target;
	}
	return sum;
}

static void check(void)
{
	uint32_t *members = allocate(QUERIES, sizeof(*members));
	uint32_t results[BATCH], none[BATCH];

	queries = make_queries(prefixes, MILLION, members);
	misses = make_misses();
	for (int query = 0; query < QUERIES; query++) {
		if (query % BATCH == 0) {
			look_up(&queries[query], results);
			look_up(&misses[query], none);
		}
		if (results[query % BATCH] != members[query] + 1 || none[query % BATCH] != 0)
			wrong("rte_hash", query);
		digest_of_answers = digest(digest_of_answers, records[results[query % BATCH]].target);
	}
	free(members);
}

static void set(uint64_t member, uint64_t record)
{
	struct hash_key key = {prefixes[member].high, 0};

	if (rte_hash_add_key_data(table, &key, (void *)(uintptr_t)record) != 0) {
		fprintf(stderr, "rte_hash: entry %llu does not fit\n", (unsigned long long)member);
		exit(1);
	}
}

/* Every key once, in a shuffled order, to the data it has: a replacement, as it publishes the pointer anew. */
static uint64_t update_pass(const void *argument)
{
	const uint32_t *order = argument;

	for (int at = 0; at < MILLION; at++)
		set(order[at], order[at] + 1);
	return 0;
}

static double lookup_1m(void)
{
	return rate(pass, queries, QUERIES);
}

static double lookup_miss(void)
{
	return rate(pass, misses, QUERIES);
}

static double update(void)
{
	static uint32_t *order;

	if (!order)
		order = make_order(MILLION);
	return rate(update_pass, order, MILLION);
}

static uint64_t digest_1m(void)
{
	return digest_of_answers;
}

int main(int count, char **arguments)
{
	static const struct measurement list[] = {
		{"lookup-1m", lookup_1m, NULL}, {"lookup-miss", lookup_miss, NULL},	    {"update", update, NULL},
		{"digest-1m", NULL, digest_1m}, {"huge-page-share", huge_page_share, NULL},
	};
	/* 2^21 slots: half full, where a cuckoo hash is at its best. */
	struct rte_hash_parameters parameters = {
		.name = "table",
		.entries = 1 << 21,
		.key_len = sizeof(struct hash_key),
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};

	if (count != 2) {
		fprintf(stderr, "usage: rte_hash CPU\n");
		return 2;
	}
	start_environment(arguments[0], arguments[1], 512);
	table = rte_hash_create(&parameters);
	if (!table) {
		fprintf(stderr, "rte_hash: no table: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	prefixes = make_prefixes(MILLION, 0);
	records = map_huge((MILLION + 1) * sizeof(*records));
	for (int member = 0; member < MILLION; member++) {
		records[member + 1] =
			(struct record){prefixes[member].high, prefixes[member].low, prefixes[member].target, {0}};
		set(member, member + 1);
	}
	check();
	return answer(list, sizeof(list) / sizeof(list[0]));
}
