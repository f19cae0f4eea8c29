/* The peer `c`: lookups in the table of prefix_hash.h. */
#include "prefix_hash_pair.h"

struct question {
	struct prefix_hash table;
	struct key *queries;
};

static struct question one_million, ten_million, mixed, misses;

/* All queries in batches, the field of each record found summed. */
static uint64_t pass(const void *argument)
{
	const struct question *asked = argument;
	uint32_t results[BATCH];
	uint64_t sum = 0;

	for (int query = 0; query < QUERIES; query += BATCH) {
		prefix_hash_lookup(&asked->table, &asked->queries[query], BATCH, results);
		for (int i = 0; i < BATCH; i++)
			sum += asked->table.records[results[i]].target;
	}
	return sum;
}

/* The same, with every record compared to the member that the query was made from. */
static uint64_t checked(const struct question *asked, const struct prefix *prefixes, const uint32_t *members)
{
	uint32_t results[BATCH];
	uint64_t sum = 0;

	for (int query = 0; query < QUERIES; query++) {
		const struct prefix *expected = members ? &prefixes[members[query]] : NULL;
		const struct record *record;

		if (query % BATCH == 0)
			prefix_hash_lookup(&asked->table, &asked->queries[query], BATCH, results);
		record = &asked->table.records[results[query % BATCH]];
		if (expected ? record->high != expected->high || record->low != expected->low ||
				       record->class != expected->length || record->target != expected->target
			     : results[query % BATCH] != 0)
			wrong("c", query);
		sum = digest(sum, record->target);
	}
	return sum;
}

static uint64_t digests[3];

/* Fills the table, makes the queries and checks every answer. */
static uint64_t prepare(struct question *asked, size_t count, int is_mixed)
{
	struct prefix *prefixes = make_prefixes(count, is_mixed);
	uint32_t *members = allocate(QUERIES, sizeof(*members));
	uint64_t sum;

	asked->table = prefix_hash_create(count);
	for (size_t member = 0; member < count; member++)
		prefix_hash_insert(&asked->table, &prefixes[member]);
	asked->queries = make_queries(prefixes, count, members);
	sum = checked(asked, prefixes, members);
	free(members);
	free(prefixes);
	return sum;
}

static double lookup_1m(void)
{
	return rate(pass, &one_million, QUERIES);
}

static double lookup_10m(void)
{
	return rate(pass, &ten_million, QUERIES);
}

static double lookup_miss(void)
{
	return rate(pass, &misses, QUERIES);
}

static double lookup_mixed(void)
{
	return rate(pass, &mixed, QUERIES);
}

static uint64_t digest_1m(void)
{
	return digests[0];
}

static uint64_t digest_10m(void)
{
	return digests[1];
}

static uint64_t digest_mixed(void)
{
	return digests[2];
}

int main(void)
{
	static const struct measurement list[] = {
		{"lookup-1m", lookup_1m, NULL},	      {"lookup-10m", lookup_10m, NULL},
		{"lookup-miss", lookup_miss, NULL},   {"lookup-mixed", lookup_mixed, NULL},
		{"digest-1m", NULL, digest_1m},	      {"digest-10m", NULL, digest_10m},
		{"digest-mixed", NULL, digest_mixed},
	};

	digests[0] = prepare(&one_million, MILLION, 0);
	digests[1] = prepare(&ten_million, 10 * MILLION, 0);
	digests[2] = prepare(&mixed, MILLION, 1);
	misses = (struct question){one_million.table, make_misses()};
	checked(&misses, NULL, NULL);
	return answer(list, sizeof(list) / sizeof(list[0]));
}
