/*
 * Measures one design with the suite's workload: a million random /64s, the mixed lengths, the full table.
 *
 * Usage: PROGRAM PREFIXES
 */
#include "design.h"

struct question {
	struct prefix *prefixes;
	size_t count;
	int has_records;
	struct table *table;
	struct key *queries;
	uint64_t digest;
};

static struct question one_million, mixed, full_table;

static uint64_t pass(const void *argument)
{
	const struct question *asked = argument;
	uint32_t targets[BATCH];
	uint64_t sum = 0;

	for (int query = 0; query < QUERIES; query += BATCH) {
		design.lookup(asked->table, &asked->queries[query], BATCH, targets);
		for (int i = 0; i < BATCH; i++)
			sum += targets[i];
	}
	return sum;
}

static struct table *filled(const struct question *asked)
{
	struct table *table = design.create(asked->prefixes, asked->count, asked->has_records);

	for (size_t member = 0; member < asked->count; member++)
		design.insert(table, &asked->prefixes[member]);
	return table;
}

static int by_length(const void *left, const void *right)
{
	const struct prefix *first = left, *second = right;

	return (int)first->length - (int)second->length;
}

/* Fills the table. Answers are checked against the members that the queries come from, unless those may be covered. */
static void prepare(struct question *asked, struct prefix *prefixes, size_t count, int is_full_table)
{
	uint32_t *members = allocate(QUERIES, sizeof(*members)), targets[BATCH];
	uint32_t *expected = allocate(QUERIES, sizeof(*expected));

	*asked = (struct question){prefixes, count, !is_full_table, NULL, make_queries(prefixes, count, members), 0};
	for (int query = 0; query < QUERIES; query++)
		expected[query] = prefixes[members[query]].target;
	if (design.shortest_first)
		qsort(prefixes, count, sizeof(*prefixes), by_length);
	asked->table = filled(asked);
	for (int query = 0; query < QUERIES; query++) {
		if (query % BATCH == 0)
			design.lookup(asked->table, &asked->queries[query], BATCH, targets);
		if (!is_full_table && targets[query % BATCH] != expected[query])
			wrong("alternative", query);
		asked->digest = digest(asked->digest, targets[query % BATCH]);
	}
	free(members);
	free(expected);
}

static double lookup_1m(void)
{
	return rate(pass, &one_million, QUERIES);
}

static double lookup_mixed(void)
{
	return rate(pass, &mixed, QUERIES);
}

static double lpm_full_table(void)
{
	return rate(pass, &full_table, QUERIES);
}

/* Million inserts a second into an empty table that has its size from the start; pages are touched for the first time.
 */
static double inserts(const struct question *asked)
{
	double elapsed = 0;
	size_t count = 0;

	while (elapsed < SECONDS) {
		double start = seconds();
		struct table *table = filled(asked);

		elapsed += seconds() - start;
		count += asked->count;
		design.destroy(table);
	}
	return count / elapsed * 1e-6;
}

static double insert_1m(void)
{
	return inserts(&one_million);
}

static double insert_full_table(void)
{
	return inserts(&full_table);
}

static double bytes_1m(void)
{
	return (double)design.bytes(one_million.table) / one_million.count;
}

static double bytes_mixed(void)
{
	return (double)design.bytes(mixed.table) / mixed.count;
}

static double bytes_full_table(void)
{
	return (double)design.bytes(full_table.table) / full_table.count;
}

static uint64_t digest_1m(void)
{
	return one_million.digest;
}

static uint64_t digest_mixed(void)
{
	return mixed.digest;
}

static uint64_t digest_full_table(void)
{
	return full_table.digest;
}

int main(int count, char **arguments)
{
	static const struct measurement list[] = {
		{"lookup-1m", lookup_1m, NULL},
		{"lookup-mixed", lookup_mixed, NULL},
		{"lpm-full-table", lpm_full_table, NULL},
		{"insert-1m", insert_1m, NULL},
		{"insert-full-table", insert_full_table, NULL},
		{"bytes-1m", bytes_1m, NULL},
		{"bytes-mixed", bytes_mixed, NULL},
		{"bytes-full-table", bytes_full_table, NULL},
		{"digest-1m", NULL, digest_1m},
		{"digest-mixed", NULL, digest_mixed},
		{"digest-full-table", NULL, digest_full_table},
	};
	size_t routes;
	struct prefix *prefixes;

	if (count != 2) {
		fprintf(stderr, "usage: %s PREFIXES\n", arguments[0]);
		return 2;
	}
	prefixes = read_prefixes(arguments[1], &routes);
	prepare(&full_table, prefixes, routes, 1);
	prepare(&one_million, make_prefixes(MILLION, 0), MILLION, 0);
	prepare(&mixed, make_prefixes(MILLION, 1), MILLION, 0);
	return answer(list, sizeof(list) / sizeof(list[0]));
}
