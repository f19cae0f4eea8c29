/* The nodes of poptrie.c, and how a prefix comes into them. */
#ifndef TABLE_POPTRIE_H
#define TABLE_POPTRIE_H

#include "design.h"

#define STRIDE 6
#define SLOTS 64
#define DIRECT_BITS 18
#define DIRECT_LEAF 0x80000000u
/* Address space for this many nodes, leaves, and prefixes within nodes; memory is touched as used. */
#define ROOM ((size_t)1 << 25)

struct node {
	uint64_t children, runs;
	uint32_t first_child, first_leaf;
};

/* What covers the whole node, and the list of prefixes that end in it, shortest first. */
struct origin {
	uint32_t inherited, inside;
};

struct inside {
	uint32_t next, value;
	uint8_t first_slot, slots;
};

/* Arrays of 1 to 64 elements: freed ones are reused for the same size. Element 0 is none. */
struct arena {
	uint32_t used, free[SLOTS + 1], *links;
};

struct record {
	uint64_t high, low;
	uint32_t target, unused[11];
};

struct table {
	uint32_t *direct, *leaves;
	uint8_t *direct_lengths;
	struct node *nodes;
	struct origin *origins;
	struct inside *insides;
	struct record *records;
	struct arena node_arena, leaf_arena;
	uint32_t inside_count;
	size_t room, count;
};

static uint32_t take(struct arena *arena, int size)
{
	uint32_t first = arena->free[size];

	if (first) {
		arena->free[size] = arena->links[first];
		return first;
	}
	if (arena->used + size >= ROOM) {
		fprintf(stderr, "poptrie: no room\n");
		exit(1);
	}
	first = arena->used + 1;
	arena->used += size;
	return first;
}

static void give(struct arena *arena, uint32_t first, int size)
{
	if (size) {
		arena->links[first] = arena->free[size];
		arena->free[size] = first;
	}
}

static inline uint64_t bit(int slot)
{
	return 1ull << slot;
}

/* Up to and with a slot. */
static inline uint64_t bits_through(int slot)
{
	return (2ull << slot) - 1;
}

static inline uint32_t child_of(const struct node *node, int slot)
{
	return node->first_child + __builtin_popcountll(node->children & (bit(slot) - 1));
}

static inline uint32_t leaf_of(const struct node *node, int slot)
{
	return node->first_leaf + __builtin_popcountll(node->runs & bits_through(slot)) - 1;
}

/* Makes a node's leaves anew, and those below it that change. */
static void refresh(struct table *table, uint32_t number, uint32_t inherited)
{
	struct node *node = &table->nodes[number];
	uint32_t values[SLOTS], leaves[SLOTS];
	int old = __builtin_popcountll(node->runs), count = 0;

	table->origins[number].inherited = inherited;
	for (int slot = 0; slot < SLOTS; slot++)
		values[slot] = inherited;
	for (uint32_t at = table->origins[number].inside; at; at = table->insides[at].next)
		for (int slot = 0; slot < table->insides[at].slots; slot++)
			values[table->insides[at].first_slot + slot] = table->insides[at].value;
	give(&table->leaf_arena, node->first_leaf, old);
	node->runs = 0;
	for (int slot = 0; slot < SLOTS; slot++) {
		if (node->children & bit(slot)) {
			uint32_t child = child_of(node, slot);

			if (table->origins[child].inherited != values[slot])
				refresh(table, child, values[slot]);
		} else if (count == 0 || leaves[count - 1] != values[slot]) {
			leaves[count++] = values[slot];
			node->runs |= bit(slot);
		}
	}
	if (count) {
		node->first_leaf = take(&table->leaf_arena, count);
		memcpy(&table->leaves[node->first_leaf], leaves, count * sizeof(leaves[0]));
	}
}

/* Puts a child where a node has a leaf. Returns its number. */
static uint32_t add_child(struct table *table, uint32_t number, int slot)
{
	struct node *node = &table->nodes[number];
	uint32_t inherited = table->leaves[leaf_of(node, slot)], old = node->first_child, new;
	int before = __builtin_popcountll(node->children & (bit(slot) - 1)),
	    count = __builtin_popcountll(node->children);

	new = take(&table->node_arena, count + 1);
	memcpy(&table->nodes[new], &table->nodes[old], before * sizeof(*node));
	memcpy(&table->origins[new], &table->origins[old], before * sizeof(struct origin));
	memcpy(&table->nodes[new + before + 1], &table->nodes[old + before], (count - before) * sizeof(*node));
	memcpy(&table->origins[new + before + 1], &table->origins[old + before],
	       (count - before) * sizeof(struct origin));
	table->nodes[new + before] = (struct node){0};
	table->origins[new + before] = (struct origin){0};
	give(&table->node_arena, old, count);
	node->first_child = new;
	node->children |= bit(slot);
	refresh(table, new + before, inherited);
	refresh(table, number, table->origins[number].inherited);
	return new + before;
}

/* The six bits of an address from `depth` on, which may reach past its end. */
static int slot_at(const struct prefix *prefix, int depth)
{
	unsigned __int128 address = (unsigned __int128)prefix->high << 64 | prefix->low;

	return (int)(address << depth >> (128 - STRIDE));
}

static void insert_inside(struct table *table, uint32_t number, int slot, int length, uint32_t value)
{
	uint32_t *link = &table->origins[number].inside, added = ++table->inside_count;
	uint8_t slots = SLOTS >> length;

	while (*link && table->insides[*link].slots >= slots)
		link = &table->insides[*link].next;
	table->insides[added] = (struct inside){*link, value, slot, slots};
	*link = added;
	refresh(table, number, table->origins[number].inherited);
}

/* A prefix of at most the direct table's bits. */
static void insert_direct(struct table *table, const struct prefix *prefix, uint32_t value)
{
	size_t first = prefix->high >> (64 - DIRECT_BITS), count = 1ull << (DIRECT_BITS - prefix->length);

	for (size_t at = first; at < first + count; at++) {
		if (table->direct_lengths[at] > prefix->length)
			continue;
		table->direct_lengths[at] = prefix->length;
		if (table->direct[at] & DIRECT_LEAF)
			table->direct[at] = value | DIRECT_LEAF;
		else
			refresh(table, table->direct[at], value);
	}
}

static void insert(struct table *table, const struct prefix *prefix)
{
	uint32_t *direct = &table->direct[prefix->high >> (64 - DIRECT_BITS)], number, value = prefix->target;
	int depth = DIRECT_BITS;

	if (table->records) {
		value = ++table->count;
		table->records[value] = (struct record){prefix->high, prefix->low, prefix->target, {0}};
	}
	if (prefix->length <= DIRECT_BITS) {
		insert_direct(table, prefix, value);
		return;
	}
	if (*direct & DIRECT_LEAF) {
		number = take(&table->node_arena, 1);
		table->nodes[number] = (struct node){0};
		table->origins[number] = (struct origin){0};
		refresh(table, number, *direct & ~DIRECT_LEAF);
		*direct = number;
	}
	for (number = *direct; (int)prefix->length > depth + STRIDE; depth += STRIDE) {
		int slot = slot_at(prefix, depth);

		number = table->nodes[number].children & bit(slot) ? child_of(&table->nodes[number], slot)
								   : add_child(table, number, slot);
	}
	insert_inside(table, number, slot_at(prefix, depth), prefix->length - depth, value);
}

#endif
