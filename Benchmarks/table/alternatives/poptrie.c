/*
 * A compressed trie of 6-bit strides below a direct table of the first 18 bits, as poptrie (Asai, Ohara: Poptrie,
 * 2015).
 *
 * A node says with one bit for each of its 64 slots whether a child follows, with another where a run of equal leaves
 * begins; children, and the leaves of runs, lie one after the other, so a popcount finds theirs. Prefixes that end
 * inside a node are pushed into its leaves and those below; for inserts, the writer keeps a list of them beside each
 * node.
 *
 * What this leaves out is in its favour: arrays that an insert replaces are reused at once, without a grace period.
 */
#include "poptrie.h"

static struct table *create(const struct prefix *prefixes, size_t count, int has_records)
{
	struct table *table = allocate(1, sizeof(*table));

	(void)prefixes;
	table->room = count;
	table->direct = map_huge(sizeof(uint32_t) << DIRECT_BITS);
	table->direct_lengths = map_huge(1 << DIRECT_BITS);
	for (size_t at = 0; at < 1 << DIRECT_BITS; at++)
		table->direct[at] = DIRECT_LEAF;
	table->nodes = map_huge(ROOM * sizeof(struct node));
	table->origins = map_huge(ROOM * sizeof(struct origin));
	table->node_arena.links = map_huge(ROOM * sizeof(uint32_t));
	table->leaves = map_huge(ROOM * sizeof(uint32_t));
	table->leaf_arena.links = map_huge(ROOM * sizeof(uint32_t));
	table->insides = map_huge((count + 1) * sizeof(struct inside));
	table->records = has_records ? map_huge((count + 1) * sizeof(struct record)) : NULL;
	return table;
}

static void destroy(struct table *table)
{
	unmap_huge(table->direct, sizeof(uint32_t) << DIRECT_BITS);
	unmap_huge(table->direct_lengths, 1 << DIRECT_BITS);
	unmap_huge(table->nodes, ROOM * sizeof(struct node));
	unmap_huge(table->origins, ROOM * sizeof(struct origin));
	unmap_huge(table->node_arena.links, ROOM * sizeof(uint32_t));
	unmap_huge(table->leaves, ROOM * sizeof(uint32_t));
	unmap_huge(table->leaf_arena.links, ROOM * sizeof(uint32_t));
	unmap_huge(table->insides, (table->room + 1) * sizeof(struct inside));
	if (table->records)
		unmap_huge(table->records, (table->room + 1) * sizeof(struct record));
	free(table);
}

/* A level of all keys at a time; a key that comes to a leaf drops out. */
static void lookup(const struct table *table, const struct key *keys, int count, uint32_t *targets)
{
	uint32_t at[BATCH];
	uint8_t pending[BATCH];
	int left = 0;

	for (int i = 0; i < count; i++)
		__builtin_prefetch(&table->direct[keys[i].high >> (64 - DIRECT_BITS)], 0, 3);
	for (int i = 0; i < count; i++) {
		uint32_t direct = table->direct[keys[i].high >> (64 - DIRECT_BITS)];

		/* Leaf 0 is never given out, so a value of the direct table can be told by it. */
		at[i] = direct & DIRECT_LEAF ? 0 : direct;
		targets[i] = direct & ~DIRECT_LEAF;
		__builtin_prefetch(&table->nodes[at[i]], 0, 3);
		pending[left] = i;
		left += !(direct & DIRECT_LEAF);
	}
	for (int depth = DIRECT_BITS; left; depth += STRIDE) {
		int searching = left;

		left = 0;
		for (int i = 0; i < searching; i++) {
			int position = pending[i];
			const struct node *node = &table->nodes[at[position]];
			unsigned __int128 address = (unsigned __int128)keys[position].high << 64 | keys[position].low;
			int slot = (int)(address << depth >> (128 - STRIDE));
			int goes_on = node->children >> slot & 1;

			at[position] = goes_on ? child_of(node, slot) : leaf_of(node, slot);
			__builtin_prefetch(goes_on ? (const void *)&table->nodes[at[position]]
						   : (const void *)&table->leaves[at[position]],
					   0, 3);
			pending[left] = position;
			left += goes_on;
		}
	}
	for (int i = 0; i < count; i++) {
		targets[i] = at[i] ? table->leaves[at[i]] : targets[i];
		__builtin_prefetch(table->records ? &table->records[targets[i]] : NULL, 0, 3);
	}
	for (int i = 0; table->records && i < count; i++)
		targets[i] = table->records[targets[i]].target;
}

static size_t bytes(const struct table *table)
{
	return (sizeof(uint32_t) << DIRECT_BITS) + table->node_arena.used * sizeof(struct node) +
	       table->leaf_arena.used * sizeof(uint32_t) +
	       (table->records ? (table->count + 1) * sizeof(struct record) : 0);
}

const struct design design = {create, destroy, insert, lookup, bytes, 0};
