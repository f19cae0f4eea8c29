/*
 * Binary search on prefix lengths (Waldvogel, Varghese, Turner, Plattner: Scalable high speed IP routing lookups,
 * 1997).
 *
 * One hash table. A search tree over the lengths in use says which to probe: after a hit a longer one, after a miss a
 * shorter one. So that a search does not turn too early, every prefix leaves markers at the shorter lengths where its
 * search turns to longer ones; a marker knows the best match of its own bits, which is the answer when nothing longer
 * follows. The tree is the one with the fewest probes when every prefix is asked for as often as every other, which is
 * how the queries are drawn.
 *
 * Prefixes come shortest first, in favour of this design: an insert in any other order must also correct all markers
 * below it.
 */
#include "design.h"

#include "../prefix_hash_lookup.h"

#define NONE 255

struct node {
	uint8_t length, shorter, longer;
	uint64_t mask_high, mask_low, factor;
};

struct table {
	struct prefix_hash hash;
	size_t room;
	/* By position among the lengths in use, shortest first. */
	struct node nodes[129];
	int lengths;
	uint8_t root;
};

/* The cheapest tree over lengths first..last-1; weights[i] searches end just after length i-1. */
struct plan {
	uint64_t cost[131][131];
	uint8_t root[131][131];
};

static void make_plan(struct plan *plan, const uint64_t *weights, int lengths)
{
	for (int span = 1; span <= lengths; span++) {
		for (int first = 0; first + span <= lengths; first++) {
			uint64_t total = 0, best = ~0ull;

			for (int i = first; i <= first + span; i++)
				total += weights[i];
			for (int root = first; root < first + span; root++) {
				uint64_t cost = plan->cost[first][root] + plan->cost[root + 1][first + span];

				if (cost < best) {
					best = cost;
					plan->root[first][first + span] = root;
				}
			}
			plan->cost[first][first + span] = best + total;
		}
	}
}

static uint8_t make_tree(struct table *table, const struct plan *plan, int first, int last)
{
	uint8_t root = plan->root[first][last];

	if (first == last)
		return NONE;
	table->nodes[root].shorter = make_tree(table, plan, first, root);
	table->nodes[root].longer = make_tree(table, plan, root + 1, last);
	return root;
}

static void make_nodes(struct table *table, const struct prefix *prefixes, size_t count)
{
	struct plan *plan = allocate(1, sizeof(*plan));
	uint64_t weights[131] = {0}, counts[129] = {0};
	int lengths = 0;

	for (size_t at = 0; at < count; at++)
		counts[prefixes[at].length]++;
	for (int length = 0; length <= 128; length++) {
		if (!counts[length])
			continue;
		table->nodes[lengths++] = (struct node){
			.length = length, .mask_high = leading_ones(length), .mask_low = leading_ones(length - 64)};
		weights[lengths] = counts[length];
	}
	table->lengths = lengths;
	make_plan(plan, weights, lengths);
	table->root = make_tree(table, plan, 0, lengths);
	free(plan);
}

/* Markers that the prefixes leave, counted without regard to shared ones, so from above. */
static size_t markers(const struct table *table, const struct prefix *prefixes, size_t count)
{
	size_t sum = 0;

	for (size_t at = 0; at < count; at++)
		for (uint8_t node = table->root; node != NONE && table->nodes[node].length != prefixes[at].length;) {
			int goes_on = table->nodes[node].length < prefixes[at].length;

			sum += goes_on;
			node = goes_on ? table->nodes[node].longer : table->nodes[node].shorter;
		}
	return sum;
}

static struct table *create(const struct prefix *prefixes, size_t count, int has_records)
{
	struct table *table = allocate(1, sizeof(*table));

	(void)has_records;
	make_nodes(table, prefixes, count);
	table->room = count + markers(table, prefixes, count);
	table->hash = prefix_hash_create(table->room);
	for (int node = 0; node < table->lengths; node++)
		table->nodes[node].factor = class_factor(&table->hash, table->nodes[node].length);
	return table;
}

static void destroy(struct table *table)
{
	unmap_huge(table->hash.buckets, sizeof(struct bucket) << table->hash.log_buckets);
	unmap_huge(table->hash.records, (table->room + 1) * sizeof(struct record));
	free(table);
}

static uint32_t find(const struct table *table, const struct node *node, const struct prefix *prefix)
{
	uint64_t high = prefix->high & node->mask_high, low = prefix->low & node->mask_low;

	return prefix_hash_search(&table->hash, high, low, node->length);
}

/* The longest prefix that covers a marker: its own bits say nothing about longer ones. */
static uint32_t covering(const struct table *table, const struct prefix *marker)
{
	for (int node = table->lengths - 1; node >= 0; node--) {
		uint32_t found =
			table->nodes[node].length < marker->length ? find(table, &table->nodes[node], marker) : 0;

		if (found && table->hash.records[found].previous == found)
			return found;
	}
	return 0;
}

/* An entry's field `previous` names the record of its best match, itself for a prefix. */
static void insert(struct table *table, const struct prefix *prefix)
{
	struct record *records = table->hash.records;
	uint8_t at = table->root;

	while (table->nodes[at].length != prefix->length) {
		const struct node *node = &table->nodes[at];
		struct prefix marker = {prefix->high & node->mask_high, prefix->low & node->mask_low, node->length, 0};

		at = node->length < prefix->length ? node->longer : node->shorter;
		if (node->length > prefix->length || find(table, node, &marker))
			continue;
		prefix_hash_insert(&table->hash, &marker);
		records[table->hash.used].previous = covering(table, &marker);
	}
	prefix_hash_insert(&table->hash, prefix);
	records[table->hash.used].previous = table->hash.used;
}

/* One probe of every key that still searches, in three passes; `all` is where all are, or NULL.
 */
static inline __attribute__((always_inline)) int step(const struct table *table, const struct key *keys,
						      uint8_t *pending, int count, const struct node *all, uint8_t *at,
						      uint32_t *best)
{
	const struct prefix_hash *hash = &table->hash;
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	int left = 0;

	for (int i = 0; i < count; i++) {
		const struct key *key = &keys[pending[i]];
		const struct node *node = all ? all : &table->nodes[at[pending[i]]];

		hashes[i] = node->length > 64 ? hash_of(hash, key->high, key->low & node->mask_low, node->length)
					      : hash_key(hash, key->high & node->mask_high, 0, node->factor);
		__builtin_prefetch(&hash->buckets[hashes[i] >> (64 - hash->log_buckets)], 0, 3);
	}
	select_candidates(hash, hashes, count, candidates);
	for (int i = 0; i < count; i++) {
		int position = pending[i];
		const struct node *node = all ? all : &table->nodes[at[position]];
		const struct record *record = &hash->records[candidates[i]];
		uint64_t high = keys[position].high & node->mask_high, low = keys[position].low & node->mask_low;
		uint32_t found = candidates[i];

		if ((record->high ^ high) | (record->low ^ low) | (uint64_t)(record->class ^ node->length))
			found = found ? prefix_hash_search(hash, high, low, node->length) : 0;
		best[position] = found ? hash->records[found].previous : best[position];
		at[position] = found ? node->longer : node->shorter;
		pending[left] = position;
		left += at[position] != NONE;
	}
	return left;
}

static void lookup(const struct table *table, const struct key *keys, int count, uint32_t *targets)
{
	uint8_t pending[BATCH], at[BATCH];
	uint32_t best[BATCH];
	int left;

	for (int i = 0; i < count; i++) {
		pending[i] = i;
		best[i] = 0;
	}
	left = step(table, keys, pending, count, &table->nodes[table->root], at, best);
	while (left)
		left = step(table, keys, pending, left, NULL, at, best);
	/* Where a search ended at a marker, the record of its best match is another one. */
	for (int i = 0; i < count; i++)
		__builtin_prefetch(&table->hash.records[best[i]], 0, 3);
	for (int i = 0; i < count; i++)
		targets[i] = table->hash.records[best[i]].target;
}

static size_t bytes(const struct table *table)
{
	return (sizeof(struct bucket) << table->hash.log_buckets) + (table->hash.used + 1) * sizeof(struct record);
}

const struct design design = {create, destroy, insert, lookup, bytes, 1};
