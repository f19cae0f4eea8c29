/*
 * One hash probe for each length in use, longest first: the product's design, as the peer `c` has it (prefix_hash.h).
 * There is one probe for /64 and a longer length together.
 *
 * A probe is one cache line and the record another. A table of one length costs one probe whatever the number of
 * prefixes; the price is one more probe for each length that must be tried before the right one.
 */
#include "design.h"

#include "../prefix_hash_pair.h"

struct table {
	struct prefix_hash hash;
	size_t room;
};

static struct table *create(const struct prefix *prefixes, size_t count, int has_records)
{
	struct table *table = allocate(1, sizeof(*table));

	(void)prefixes;
	(void)has_records;
	*table = (struct table){prefix_hash_create(count), count};
	return table;
}

static void destroy(struct table *table)
{
	unmap_huge(table->hash.buckets, sizeof(struct bucket) << table->hash.log_buckets);
	unmap_huge(table->hash.records, (table->room + 1) * sizeof(struct record));
	free(table);
}

static void insert(struct table *table, const struct prefix *prefix)
{
	prefix_hash_insert(&table->hash, prefix);
}

static void lookup(const struct table *table, const struct key *keys, int count, uint32_t *targets)
{
	prefix_hash_lookup(&table->hash, keys, count, targets);
	for (int i = 0; i < count; i++)
		targets[i] = table->hash.records[targets[i]].target;
}

static size_t bytes(const struct table *table)
{
	return (sizeof(struct bucket) << table->hash.log_buckets) + (table->hash.used + 1) * sizeof(struct record);
}

const struct design design = {create, destroy, insert, lookup, bytes, 0};
