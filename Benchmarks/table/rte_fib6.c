/*
 * The peer `rte_fib6`: DPDK's longest match for IPv6 (trie, next hops of four octets), the AVX-512 lookup where there
 * is one.
 *
 * Usage: rte_fib6 CPU MEBIBYTES PREFIXES
 * A random /64 takes five groups of 256 entries of the trie. As many of the suite's million are inserted as fit into
 * MEBIBYTES; `size` says how many that is. PREFIXES is the list of the full table, which gets a trie of its own.
 */
#include "dpdk.h"

#include <rte_fib6.h>

#include "workload.h"

#define GROUP_OCTETS 1024
#define OCTETS 16

struct record {
	uint64_t high, low;
	uint32_t target, unused[11];
};

struct question {
	struct rte_fib6 *table;
	uint8_t (*addresses)[OCTETS];
	const struct record *records;
};

static struct question random_prefixes, misses, full_table;
static struct prefix *prefixes;
static size_t size;
static double inserts;
static uint64_t digests[2];
static const char *lookup_kind = "scalar";

static void to_octets(uint64_t high, uint64_t low, uint8_t octets[OCTETS])
{
	uint64_t words[2] = {htobe64(high), htobe64(low)};

	memcpy(octets, words, OCTETS);
}

static int add(struct rte_fib6 *table, const struct prefix *prefix, uint64_t next_hop)
{
	uint8_t octets[OCTETS];

	to_octets(prefix->high, prefix->low, octets);
	return rte_fib6_add(table, octets, prefix->length, next_hop);
}

static struct rte_fib6 *create(const char *name, int routes, uint32_t groups)
{
	struct rte_fib6_conf settings = {.type = RTE_FIB6_TRIE, .default_nh = 0, .max_routes = routes};
	struct rte_fib6 *table;

	settings.trie.nh_sz = RTE_FIB6_TRIE_4B;
	settings.trie.num_tbl8 = groups;
	table = rte_fib6_create(name, SOCKET_ID_ANY, &settings);
	if (!table) {
		fprintf(stderr, "rte_fib6: no table %s of %u groups: %s\n", name, groups, rte_strerror(rte_errno));
		exit(1);
	}
	if (rte_fib6_select_lookup(table, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512) == 0)
		lookup_kind = "AVX-512";
	return table;
}

static uint8_t (*to_addresses(struct key *keys))[OCTETS]
{
	uint8_t(*addresses)[OCTETS] = allocate(QUERIES, OCTETS);

	for (int query = 0; query < QUERIES; query++)
		to_octets(keys[query].high, keys[query].low, addresses[query]);
	free(keys);
	return addresses;
}

/* All queries in batches; the records that the next hops number are fetched, without records the next hops are summed.
 */
static uint64_t pass(const void *argument)
{
	const struct question *asked = argument;
	const struct record *records = asked->records;
	uint64_t results[BATCH], sum = 0;

	for (int query = 0; query < QUERIES; query += BATCH) {
		rte_fib6_lookup_bulk(asked->table, &asked->addresses[query], results, BATCH);
		if (records) {
			for (int i = 0; i < BATCH; i++)
				__builtin_prefetch(&records[results[i]], 0, 3);
			for (int i = 0; i < BATCH; i++)
				sum += records[results[i]].target;
		} else {
			for (int i = 0; i < BATCH; i++)
				sum += results[i];
		}
	}
	return sum;
}

/* The answer to one query, by a call of its own. */
static uint64_t answer_to(const struct question *asked, int query)
{
	uint64_t result;

	rte_fib6_lookup_bulk(asked->table, &asked->addresses[query], &result, 1);
	return result;
}

static void prepare_random(uint32_t groups)
{
	struct record *records = map_huge((MILLION + 1) * sizeof(*records));
	uint32_t *members = allocate(QUERIES, sizeof(*members));
	double start;

	prefixes = make_prefixes(MILLION, 0);
	random_prefixes = (struct question){create("random", MILLION, groups), NULL, records};
	start = seconds();
	for (size = 0; size < MILLION && add(random_prefixes.table, &prefixes[size], size + 1) == 0; size++)
		records[size + 1] =
			(struct record){prefixes[size].high, prefixes[size].low, prefixes[size].target, {0}};
	inserts = size / (seconds() - start) * 1e-6;
	if (size == 0) {
		fprintf(stderr, "rte_fib6: not one prefix fits\n");
		exit(1);
	}
	random_prefixes.addresses = to_addresses(make_queries(prefixes, size, members));
	misses = (struct question){random_prefixes.table, to_addresses(make_misses()), records};
	for (int query = 0; query < QUERIES; query++) {
		uint64_t found = answer_to(&random_prefixes, query);

		if (found != members[query] + 1 || answer_to(&misses, query) != 0)
			wrong("rte_fib6", query);
		digests[0] = digest(digests[0], records[found].target);
	}
	free(members);
}

/* Checked by run.py: the product's digest must be the same. */
static void prepare_full_table(const char *path)
{
	size_t count;
	struct prefix *routes = read_prefixes(path, &count);

	full_table = (struct question){create("full", count, 1 << 19), to_addresses(make_queries(routes, count, NULL)),
				       NULL};
	for (size_t route = 0; route < count; route++) {
		if (add(full_table.table, &routes[route], routes[route].target) != 0) {
			fprintf(stderr, "rte_fib6: route %zu does not fit\n", route);
			exit(1);
		}
	}
	free(routes);
	for (int query = 0; query < QUERIES; query++)
		digests[1] = digest(digests[1], answer_to(&full_table, query));
}

/*
 * A shuffled tenth of the prefixes, each to another next hop and back. Taking prefixes out and putting them in again
 * would be nearer to inserts, but does not go on for long: in DPDK 22.11 the trie then runs out of groups.
 */
static uint64_t update_pass(const void *argument)
{
	const uint32_t *order = argument;

	for (size_t at = 0; at < size / 10; at++) {
		const struct prefix *prefix = &prefixes[order[at]];

		if (add(random_prefixes.table, prefix, MILLION + 1) ||
		    add(random_prefixes.table, prefix, order[at] + 1))
			wrong("rte_fib6 update", order[at]);
	}
	return 0;
}

static double update(void)
{
	static uint32_t *order;

	if (!order)
		order = make_order(size);
	return rate(update_pass, order, size / 10 * 2);
}

static double lookup_1m(void)
{
	return rate(pass, &random_prefixes, QUERIES);
}

static double lookup_miss(void)
{
	return rate(pass, &misses, QUERIES);
}

static double lpm_full_table(void)
{
	return rate(pass, &full_table, QUERIES);
}

static double size_reached(void)
{
	return size;
}

static double insert_rate(void)
{
	return inserts;
}

static double is_vector(void)
{
	return lookup_kind[0] == 'A';
}

static uint64_t digest_1m(void)
{
	return digests[0];
}

static uint64_t digest_full_table(void)
{
	return digests[1];
}

int main(int count, char **arguments)
{
	static const struct measurement list[] = {
		{"lookup-1m", lookup_1m, NULL},
		{"lookup-miss", lookup_miss, NULL},
		{"update", update, NULL},
		{"lpm-full-table", lpm_full_table, NULL},
		{"size", size_reached, NULL},
		{"insert-rate", insert_rate, NULL},
		{"is-vector", is_vector, NULL},
		{"digest-1m", NULL, digest_1m},
		{"digest-full-table", NULL, digest_full_table},
		{"huge-page-share", huge_page_share, NULL},
	};
	int mebibytes = count == 4 ? atoi(arguments[2]) : 0;

	if (mebibytes < 64) {
		fprintf(stderr, "usage: rte_fib6 CPU MEBIBYTES PREFIXES\n");
		return 2;
	}
	/* Beside the groups: two first levels of 64 MiB, the groups of the full table, and the route trees that it
	 * keeps. */
	start_environment(arguments[0], arguments[1], mebibytes + 2048);
	prepare_random((uint64_t)mebibytes * (1 << 20) / (GROUP_OCTETS + 4));
	prepare_full_table(arguments[3]);
	return answer(list, sizeof(list) / sizeof(list[0]));
}
