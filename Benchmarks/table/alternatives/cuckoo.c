/*
 * Bucketed cuckoo hash for each length in use: a key lies in one of two buckets of ten, and makes room by moving others
 * to their second bucket. The second bucket follows from the first and the tag, so a move reads no record.
 *
 * What this leaves out is in its favour: while a key moves, a reader beside the writer can miss it, which takes a
 * version counter that every lookup reads twice, or a copy in both places.
 */
#include "design.h"

#include "../prefix_hash.h"

struct table {
	/* No key goes on past its buckets. */
	struct prefix_hash hash;
	size_t room;
	uint64_t random;
};

static struct table *create(const struct prefix *prefixes, size_t count, int has_records)
{
	struct table *table = allocate(1, sizeof(*table));

	(void)prefixes;
	(void)has_records;
	*table = (struct table){prefix_hash_create(count), count, 1};
	return table;
}

static void destroy(struct table *table)
{
	unmap_huge(table->hash.buckets, sizeof(struct bucket) << table->hash.log_buckets);
	unmap_huge(table->hash.records, (table->room + 1) * sizeof(struct record));
	free(table);
}

/* The other bucket of a key with this tag; of that one it is this. */
static inline uint64_t other(const struct prefix_hash *hash, uint64_t number, uint16_t tag)
{
	return number ^ (((uint64_t)tag * 0x9e3779b97f4a7c15) >> (64 - hash->log_buckets) | 1);
}

static inline uint16_t tag_at(const struct bucket *bucket, int slot)
{
	return bucket->tags[slot >> 2] >> (slot & 3) * 16;
}

static inline void put(struct bucket *bucket, int slot, uint16_t tag, uint32_t record)
{
	bucket->records[slot] = record;
	bucket->tags[slot >> 2] &= ~(0xffffull << (slot & 3) * 16);
	bucket->tags[slot >> 2] |= (uint64_t)tag << (slot & 3) * 16;
}

static int put_where_free(struct prefix_hash *hash, uint64_t number, uint16_t tag, uint32_t record)
{
	struct bucket *bucket = bucket_at(hash, number);
	uint32_t free_slots = match_tags(bucket, 0).slots;

	if (free_slots)
		put(bucket, slot_of(free_slots), tag, record);
	return free_slots != 0;
}

static void insert(struct table *table, const struct prefix *prefix)
{
	struct prefix_hash *hash = &table->hash;
	uint64_t value = hash_key(hash, prefix->high, prefix->low, class_factor(hash, prefix->length));
	uint64_t number = value >> (64 - hash->log_buckets);
	uint16_t tag = tag_of(value);
	uint32_t record = ++hash->used;

	hash->records[record] = (struct record){.high = prefix->high,
						.low = prefix->low,
						.target = prefix->target,
						.generation = hash->generation,
						.class = prefix->length};
	use_length(hash, prefix->length);
	if (put_where_free(hash, number, tag, record))
		return;
	number = other(hash, number, tag);
	for (int moves = 0; moves < 1000; moves++) {
		struct bucket *bucket = bucket_at(hash, number);
		int slot = draw_below(&table->random, 10);
		uint16_t moved_tag = tag_at(bucket, slot);
		uint32_t moved = bucket->records[slot];

		if (put_where_free(hash, number, tag, record))
			return;
		put(bucket, slot, tag, record);
		tag = moved_tag;
		record = moved;
		number = other(hash, number, tag);
	}
	fprintf(stderr, "cuckoo: no room after %u entries\n", hash->used);
	exit(1);
}

/* One key, all the way: another one in its buckets has its tag. */
static __attribute__((noinline)) uint32_t search(const struct prefix_hash *hash, uint64_t value, uint64_t high,
						 uint64_t low, uint8_t class)
{
	uint64_t number = value >> (64 - hash->log_buckets);
	uint16_t tag = tag_of(value);

	for (int side = 0; side < 2; side++, number = other(hash, number, tag)) {
		const struct bucket *bucket = bucket_at(hash, number);

		for (uint32_t slots = match_tags(bucket, tag).slots; slots; slots &= slots - 1) {
			uint32_t index = bucket->records[slot_of(slots)];
			const struct record *record = &hash->records[index];

			if (record->high == high && record->low == low && record->class == class)
				return index;
		}
	}
	return 0;
}

/* The keys `pending` (all in order when NULL) among the prefixes of one length, as the product, with two buckets. */
static inline __attribute__((always_inline)) int look_up(const struct prefix_hash *hash, const struct key *keys,
							 const uint8_t *pending, int count, uint8_t class,
							 uint32_t *results, uint8_t *left)
{
	uint64_t hashes[BATCH], factor = class_factor(hash, class);
	uint64_t mask_high = leading_ones(class), mask_low = leading_ones((int)class - 64);
	uint32_t candidates[BATCH];
	int remaining = 0;

	for (int i = 0; i < count; i++) {
		const struct key *key = &keys[pending ? pending[i] : i];
		uint64_t number;

		hashes[i] = hash_key(hash, key->high & mask_high, key->low & mask_low, factor);
		number = hashes[i] >> (64 - hash->log_buckets);
		__builtin_prefetch(&hash->buckets[number], 0, 3);
		__builtin_prefetch(bucket_at(hash, other(hash, number, tag_of(hashes[i]))), 0, 3);
	}
	for (int i = 0; i < count; i++) {
		uint64_t number = hashes[i] >> (64 - hash->log_buckets);
		uint16_t tag = tag_of(hashes[i]);
		const struct bucket *bucket = &hash->buckets[number];
		uint32_t slots = match_tags(bucket, tag).slots;

		if (!LIKELY(slots)) {
			bucket = bucket_at(hash, other(hash, number, tag_of(hashes[i])));
			slots = match_tags(bucket, tag).slots;
		}
		candidates[i] = slots ? bucket->records[slot_of(slots)] : 0;
		__builtin_prefetch(&hash->records[candidates[i]], 0, 3);
	}
	for (int i = 0; i < count; i++) {
		int position = pending ? pending[i] : i;
		const struct record *record = &hash->records[candidates[i]];
		uint64_t high = keys[position].high & mask_high, low = keys[position].low & mask_low;
		uint64_t differs = (record->high ^ high) | (record->low ^ low) | (uint64_t)(record->class ^ class);
		uint32_t found = differs ? 0 : candidates[i];

		if (!LIKELY(found || !candidates[i]))
			found = search(hash, hashes[i], high, low, class);
		results[position] = found;
		left[remaining] = position;
		remaining += !found;
	}
	return remaining;
}

static void lookup(const struct table *table, const struct key *keys, int count, uint32_t *targets)
{
	const struct prefix_hash *hash = &table->hash;
	uint8_t pending[BATCH];
	int left = look_up(hash, keys, NULL, count, hash->lengths[0], targets, pending);

	for (int length = 1; left && length < hash->length_count; length++)
		left = look_up(hash, keys, pending, left, hash->lengths[length], targets, pending);
	for (int i = 0; i < count; i++)
		targets[i] = hash->records[targets[i]].target;
}

static size_t bytes(const struct table *table)
{
	return (sizeof(struct bucket) << table->hash.log_buckets) + (table->hash.used + 1) * sizeof(struct record);
}

const struct design design = {create, destroy, insert, lookup, bytes, 0};
