/*
 * The peer `c`: the product's prefix table written by hand in C, for one reader. Same buckets (a line of ten 16-bit
 * tags and ten record numbers, probed linearly), same 64-octet records, same keyed hash, same three passes over a
 * batch. Records are versioned as the product's are, but only ever written once: what the peer leaves out is the
 * writer's side.
 */
#ifndef TABLE_PREFIX_HASH_H
#define TABLE_PREFIX_HASH_H

#include "measure.h"
#include "workload.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

struct record {
	uint64_t high, low, generation, link;
	uint32_t previous, target, counter, peer;
	uint8_t class, flags, state, port;
	uint32_t unused32;
	uint64_t unused64;
};

struct bucket {
	uint64_t tags[3];
	uint32_t records[10];
};

_Static_assert(sizeof(struct record) == 64 && sizeof(struct bucket) == 64, "one cache line each");

struct prefix_hash {
	struct bucket *buckets;
	struct record *records;
	uint64_t generation, seeds[2];
	/* The lengths in use, longest first. */
	uint8_t lengths[129];
	int length_count;
	uint32_t used;
	int log_buckets;
};

struct match {
	uint64_t lanes;
	int goes_on;
};

static inline uint64_t fold(uint64_t left, uint64_t right)
{
	unsigned __int128 product = (unsigned __int128)left * right;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline uint64_t class_factor(const struct prefix_hash *table, uint32_t class)
{
	return (table->seeds[1] ^ class * 0x9e3779b97f4a7c15) | 1;
}

static inline uint64_t hash_key(const struct prefix_hash *table, uint64_t high, uint64_t low, uint64_t factor)
{
	return fold(fold(high ^ table->seeds[0], factor) ^ low, table->seeds[1]);
}

static inline struct bucket *bucket_at(const struct prefix_hash *table, uint64_t number)
{
	return &table->buckets[number & ((1ull << table->log_buckets) - 1)];
}

/* The top bit of every 16-bit lane that is zero. */
static inline uint64_t equal_lanes(uint64_t difference)
{
	const uint64_t tops = 0x8000800080008000;

	return ~(((difference & ~tops) + ~tops) | difference) & tops;
}

static inline uint64_t tag_lanes(uint64_t hash)
{
	return ((hash & 0x7fff) | 0x8000) * 0x0001000100010001;
}

static inline struct match match_tags(const struct bucket *bucket, uint64_t tag)
{
	uint64_t last = __atomic_load_n(&bucket->tags[2], __ATOMIC_ACQUIRE);
	uint64_t lanes = equal_lanes(__atomic_load_n(&bucket->tags[0], __ATOMIC_ACQUIRE) ^ tag) >> 15;

	lanes |= equal_lanes(__atomic_load_n(&bucket->tags[1], __ATOMIC_ACQUIRE) ^ tag) >> 14;
	lanes |= (equal_lanes(last ^ tag) & 0xffffffff) >> 13;
	return (struct match){lanes, last >= 1ull << 32};
}

static inline int slot_of(uint64_t lanes)
{
	int position = __builtin_ctzll(lanes);

	return (position & 15) * 4 + (position >> 4);
}

static inline void use_length(struct prefix_hash *table, uint8_t length)
{
	int at = 0;

	while (at < table->length_count && table->lengths[at] > length)
		at++;
	if (at < table->length_count && table->lengths[at] == length)
		return;
	memmove(&table->lengths[at + 1], &table->lengths[at], table->length_count++ - at);
	table->lengths[at] = length;
}

/* Adds a prefix that is not in the table. */
static inline void prefix_hash_insert(struct prefix_hash *table, const struct prefix *prefix)
{
	uint64_t hash = hash_key(table, prefix->high, prefix->low, class_factor(table, prefix->length));
	uint64_t number = hash >> (64 - table->log_buckets);
	struct bucket *bucket = bucket_at(table, number);
	uint32_t index = ++table->used;
	struct match free_slots;
	int slot;

	table->records[index] = (struct record){.high = prefix->high,
						.low = prefix->low,
						.target = prefix->target,
						.generation = table->generation,
						.class = prefix->length};
	while (free_slots = match_tags(bucket, 0), !free_slots.lanes) {
		bucket->tags[2] += 1ull << 32;
		bucket = bucket_at(table, ++number);
	}
	slot = slot_of(free_slots.lanes);
	bucket->records[slot] = index;
	__atomic_store_n(&bucket->tags[slot >> 2],
			 bucket->tags[slot >> 2] | ((hash & 0x7fff) | 0x8000) << (slot & 3) * 16, __ATOMIC_RELEASE);
	use_length(table, prefix->length);
}

/* A table with room for `count` prefixes, sized as the product grows: at most 80 % of the slots are used. */
static inline struct prefix_hash prefix_hash_create(size_t count)
{
	struct prefix_hash table = {
		.generation = 1, .seeds = {0x5bd1e995a7c3f1d9, 0x2545f4914f6cdd1d}, .log_buckets = 6};

	while ((10ull << table.log_buckets) / 10 * 8 < count)
		table.log_buckets++;
	table.buckets = map_huge(sizeof(struct bucket) << table.log_buckets);
	table.records = map_huge((count + 1) * sizeof(struct record));
	table.records[0].class = 255;
	return table;
}

/* One key, all the way. */
static __attribute__((noinline)) uint32_t prefix_hash_search(const struct prefix_hash *table, uint64_t hash,
							     uint64_t high, uint64_t low, uint8_t class)
{
	uint64_t number = hash >> (64 - table->log_buckets);
	struct match found;

	do {
		const struct bucket *bucket = bucket_at(table, number++);

		for (found = match_tags(bucket, tag_lanes(hash)); found.lanes; found.lanes &= found.lanes - 1) {
			uint32_t index = bucket->records[slot_of(found.lanes)];
			const struct record *record = &table->records[index];

			if (record->high != high || record->low != low || record->class != class)
				continue;
			while (index && table->records[index].generation > table->generation)
				index = table->records[index].previous;
			return table->records[index].flags & 1 ? 0 : index;
		}
	} while (found.goes_on);
	return 0;
}

/*
 * The keys `pending` (all `count` in order when NULL) among the prefixes of one length; results of those found.
 * Returns how many are left and writes which into `left`.
 */
static inline __attribute__((always_inline)) int look_up_length(const struct prefix_hash *table, const struct key *keys,
								const uint8_t *pending, int count, uint8_t class,
								uint32_t *results, uint8_t *left)
{
	uint64_t hashes[BATCH], factor = class_factor(table, class);
	uint64_t mask_high = leading_ones(class), mask_low = leading_ones((int)class - 64);
	uint32_t candidates[BATCH];
	int remaining = 0;

	for (int i = 0; i < count; i++) {
		const struct key *key = &keys[pending ? pending[i] : i];

		hashes[i] = hash_key(table, key->high & mask_high, key->low & mask_low, factor);
		__builtin_prefetch(&table->buckets[hashes[i] >> (64 - table->log_buckets)], 0, 3);
	}
	for (int i = 0; i < count; i++) {
		uint64_t number = hashes[i] >> (64 - table->log_buckets), tag = tag_lanes(hashes[i]);
		const struct bucket *bucket = &table->buckets[number];
		struct match found = match_tags(bucket, tag);

		while (!LIKELY(found.lanes || !found.goes_on)) {
			bucket = bucket_at(table, ++number);
			found = match_tags(bucket, tag);
		}
		candidates[i] =
			found.lanes ? __atomic_load_n(&bucket->records[slot_of(found.lanes)], __ATOMIC_ACQUIRE) : 0;
		__builtin_prefetch(&table->records[candidates[i]], 0, 3);
	}
	for (int i = 0; i < count; i++) {
		int position = pending ? pending[i] : i;
		const struct record *record = &table->records[candidates[i]];
		uint64_t high = keys[position].high & mask_high, low = keys[position].low & mask_low;
		uint64_t differs = (record->high ^ high) | (record->low ^ low) | (uint64_t)(record->class ^ class);
		uint32_t found;

		differs |= (table->generation - record->generation) >> 63 | (record->flags & 1);
		found = differs ? 0 : candidates[i];
		if (!LIKELY(found || !candidates[i]))
			found = prefix_hash_search(table, hashes[i], high, low, class);
		results[position] = found;
		left[remaining] = position;
		remaining += !found;
	}
	return remaining;
}

/* Longest match of at most BATCH keys: record numbers, 0 without one. */
static __attribute__((noinline, unused)) void prefix_hash_lookup(const struct prefix_hash *table,
								 const struct key *keys, int count, uint32_t *results)
{
	uint8_t pending[BATCH], foreign = 0;
	int left = 0;

	for (int i = 0; i < count; i++)
		foreign |= keys[i].family ^ 6;
	if (LIKELY(!foreign)) {
		left = look_up_length(table, keys, NULL, count, table->lengths[0], results, pending);
	} else {
		for (int i = 0; i < count; i++) {
			results[i] = 0;
			pending[left] = i;
			left += keys[i].family == 6;
		}
		left = look_up_length(table, keys, pending, left, table->lengths[0], results, pending);
	}
	for (int length = 1; left && length < table->length_count; length++)
		left = look_up_length(table, keys, pending, left, table->lengths[length], results, pending);
}

#endif
