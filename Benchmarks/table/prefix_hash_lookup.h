/*
 * Lookups in the table of prefix_hash.h, as the product makes them: for each length, longest first, three passes over
 * the keys that no longer prefix has matched. Hash and prefetch the bucket; compare tags and prefetch the record;
 * compare the key.
 */
#ifndef TABLE_PREFIX_HASH_LOOKUP_H
#define TABLE_PREFIX_HASH_LOOKUP_H

#include "prefix_hash.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

struct mask {
	uint64_t high, low;
};

static ALWAYS_INLINE struct mask mask_of(uint8_t class)
{
	return (struct mask){leading_ones(class), leading_ones((int)class - 64)};
}

/* The first pass over the keys `pending` (all in order when NULL). */
static ALWAYS_INLINE void load(const struct prefix_hash *table, const struct key *keys, const uint8_t *pending,
			       int count, uint8_t class, uint64_t *hashes)
{
	uint64_t factor = class_factor(table, class);
	struct mask mask = mask_of(class);

	for (int i = 0; i < count; i++) {
		const struct key *key = &keys[pending ? pending[i] : i];

		hashes[i] = hash_key(table, key->high & mask.high, key->low & mask.low, factor);
		__builtin_prefetch(&table->buckets[hashes[i] >> (64 - table->log_buckets)], 0, 3);
	}
}

/* The first record with a key's tag in the buckets after its first. */
static __attribute__((noinline)) uint32_t candidate_after(const struct prefix_hash *table, uint64_t hash)
{
	uint64_t number = hash >> (64 - table->log_buckets);
	const struct bucket *bucket;
	struct match found;

	do {
		bucket = bucket_at(table, ++number);
		found = match_tags(bucket, tag_of(hash));
	} while (!found.slots && found.goes_on);
	return found.slots ? bucket->records[slot_of(found.slots)] : 0;
}

/* The second pass. */
static ALWAYS_INLINE void select_candidates(const struct prefix_hash *table, const uint64_t *hashes, int count,
					    uint32_t *candidates)
{
	for (int i = 0; i < count; i++) {
		const struct bucket *bucket = &table->buckets[hashes[i] >> (64 - table->log_buckets)];
		struct match found = match_tags(bucket, tag_of(hashes[i]));
		uint32_t candidate = 0;

		if (found.slots)
			candidate = __atomic_load_n(&bucket->records[slot_of(found.slots)], __ATOMIC_ACQUIRE);
		else if (found.goes_on)
			candidate = candidate_after(table, hashes[i]);
		__builtin_prefetch(&table->records[candidate], 0, 3);
		candidates[i] = candidate;
	}
}

/* The third pass, for one key: the candidate if it is the key's and of this generation, else what a search finds. */
static ALWAYS_INLINE uint32_t compare(const struct prefix_hash *table, const struct key *key, uint8_t class,
				      uint64_t hash, uint32_t candidate)
{
	const struct record *record = &table->records[candidate];
	struct mask mask = mask_of(class);
	uint64_t high = key->high & mask.high, low = key->low & mask.low;
	uint64_t differs = (record->high ^ high) | (record->low ^ low) | (uint64_t)(record->class ^ class);

	differs |= (table->generation - record->generation) >> 63 | (record->flags & 1);
	if (LIKELY(!differs || !candidate))
		return differs ? 0 : candidate;
	return prefix_hash_search(table, hash, high, low, class);
}

/* One length. Writes all results, returns how many keys are left and writes which into `left`. */
static ALWAYS_INLINE int look_up_length(const struct prefix_hash *table, const struct key *keys, const uint8_t *pending,
					int count, uint8_t class, uint32_t *results, uint8_t *left)
{
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	int remaining = 0;

	load(table, keys, pending, count, class, hashes);
	select_candidates(table, hashes, count, candidates);
	for (int i = 0; i < count; i++) {
		int position = pending ? pending[i] : i;

		results[position] = compare(table, &keys[position], class, hashes[i], candidates[i]);
		left[remaining] = position;
		remaining += !results[position];
	}
	return remaining;
}

/* A few keys: `used` lengths at once, as many as make up a batch, so that their latencies overlap. */
static int look_up_lengths(const struct prefix_hash *table, const struct key *keys, uint8_t *pending, int count,
			   const uint8_t *lengths, int used, uint32_t *results)
{
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	int remaining = 0;

	for (int length = 0; length < used; length++)
		load(table, keys, pending, count, lengths[length], &hashes[length * count]);
	select_candidates(table, hashes, used * count, candidates);
	for (int i = 0; i < count; i++) {
		int position = pending[i];
		uint32_t found = 0;

		for (int length = 0; !found && length < used; length++) {
			int at = length * count + i;

			if (candidates[at])
				found = compare(table, &keys[position], lengths[length], hashes[at], candidates[at]);
		}
		results[position] = found;
		pending[remaining] = position;
		remaining += !found;
	}
	return remaining;
}

/* Longest match of at most BATCH keys: record numbers, 0 without one. The table has at least one prefix. */
static __attribute__((noinline, unused)) void prefix_hash_lookup(const struct prefix_hash *table,
								 const struct key *keys, int count, uint32_t *results)
{
	uint8_t pending[BATCH], foreign = 0;
	int left = 0, length = 0;

	for (int i = 0; i < count; i++)
		foreign |= keys[i].family ^ 6;
	if (LIKELY(!foreign)) {
		left = look_up_length(table, keys, NULL, count, table->lengths[length++], results, pending);
	} else {
		for (int i = 0; i < count; i++) {
			results[i] = 0;
			pending[left] = i;
			left += keys[i].family == 6;
		}
	}
	while (left && length < table->length_count) {
		int rest = table->length_count - length, used = BATCH / left < rest ? BATCH / left : rest;

		left = used > 1 ? look_up_lengths(table, keys, pending, left, &table->lengths[length], used, results)
				: look_up_length(table, keys, pending, left, table->lengths[length], results, pending);
		length += used;
	}
}

#endif
