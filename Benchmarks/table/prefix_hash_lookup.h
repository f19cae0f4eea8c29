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

/*
 * How many keys ahead the second and the third pass ask for their lines again: the processor drops prefetches when too
 * many are under way.
 */
#define BUCKETS_AHEAD 16
#define RECORDS_AHEAD 24

/* The first pass over the keys `pending` (all in order when NULL). The lower words of lengths up to 64 are 0. */
static ALWAYS_INLINE void load(const struct prefix_hash *table, const struct key *keys, const uint8_t *pending,
			       int count, uint8_t class, int has_low, uint64_t *hashes)
{
	uint64_t factor = class_factor(table, class);
	struct mask mask = mask_of(class);

	for (int i = 0; i < count; i++) {
		const struct key *key = &keys[pending ? pending[i] : i];

		hashes[i] = hash_key(table, key->high & mask.high, has_low ? key->low & mask.low : 0, factor);
		__builtin_prefetch(&table->buckets[hashes[i] >> (64 - table->log_buckets)], 0, 3);
	}
}

/* The first record with a key's tag in the buckets after its first. */
static ALWAYS_INLINE uint32_t candidate_after(const struct prefix_hash *table, uint64_t hash)
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

/* The second pass, for one key; returns how many keys may lie past their first bucket, with it. */
static ALWAYS_INLINE int select_candidate(const struct prefix_hash *table, const uint64_t *hashes, int i,
					  uint32_t *candidates, uint8_t *passed, int passed_count)
{
	uint64_t number = hashes[i] >> (64 - table->log_buckets);
	const struct bucket *bucket = &table->buckets[number];
	struct match found = match_tags(bucket, tag_of(hashes[i]));
	uint32_t candidate = 0;

	if (found.slots) {
		candidate = __atomic_load_n(&bucket->records[slot_of(found.slots)], __ATOMIC_ACQUIRE);
	} else if (found.goes_on) {
		__builtin_prefetch(bucket_at(table, number + 1), 0, 3);
		passed[passed_count++] = i;
	}
	__builtin_prefetch(&table->records[candidate], 0, 3);
	candidates[i] = candidate;
	return passed_count;
}

/* The candidates of the keys that the second pass put off. */
static __attribute__((noinline)) void select_passed(const struct prefix_hash *table, const uint64_t *hashes,
						    uint32_t *candidates, const uint8_t *passed, int count)
{
	for (int place = 0; place < count; place++) {
		uint32_t candidate = candidate_after(table, hashes[passed[place]]);

		__builtin_prefetch(&table->records[candidate], 0, 3);
		candidates[passed[place]] = candidate;
	}
}

/* The second pass. */
static ALWAYS_INLINE void select_candidates(const struct prefix_hash *table, const uint64_t *hashes, int count,
					    uint32_t *candidates)
{
	uint8_t passed[BATCH];
	int passed_count = 0, i = 0;

	for (; i < count - BUCKETS_AHEAD; i++) {
		__builtin_prefetch(&table->buckets[hashes[i + BUCKETS_AHEAD] >> (64 - table->log_buckets)], 0, 3);
		passed_count = select_candidate(table, hashes, i, candidates, passed, passed_count);
	}
	for (; i < count; i++)
		passed_count = select_candidate(table, hashes, i, candidates, passed, passed_count);
	if (passed_count)
		select_passed(table, hashes, candidates, passed, passed_count);
}

/* The third pass, for one key: the candidate if it is the key's and of this generation, else what a search finds. */
static ALWAYS_INLINE uint32_t compare(const struct prefix_hash *table, const struct key *key, uint8_t class,
				      int has_low, uint64_t hash, uint32_t candidate)
{
	const struct record *record = &table->records[candidate];
	struct mask mask = mask_of(class);
	uint64_t high = key->high & mask.high, low = has_low ? key->low & mask.low : 0;
	uint64_t differs = (record->high ^ high) | (uint64_t)(record->class ^ class);

	if (has_low)
		differs |= record->low ^ low;

	differs |= (table->generation - record->generation) >> 63 | (record->flags & 1);
	if (LIKELY(!differs || !candidate))
		return differs ? 0 : candidate;
	return prefix_hash_search(table, hash, high, low, class);
}

/* All keys in order, one length. Writes all results, returns how many keys are left. */
static ALWAYS_INLINE int look_up_in_order(const struct prefix_hash *table, const struct key *keys, int count,
					  uint8_t class, int has_low, uint32_t *results)
{
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	int left = 0, i = 0;

	load(table, keys, NULL, count, class, has_low, hashes);
	select_candidates(table, hashes, count, candidates);
	for (; i < count - RECORDS_AHEAD; i++) {
		__builtin_prefetch(&table->records[candidates[i + RECORDS_AHEAD]], 0, 3);
		results[i] = compare(table, &keys[i], class, has_low, hashes[i], candidates[i]);
		left += !results[i];
	}
	for (; i < count; i++) {
		results[i] = compare(table, &keys[i], class, has_low, hashes[i], candidates[i]);
		left += !results[i];
	}
	return left;
}

/* One length. Writes all results, returns how many keys are left and writes which into `pending`. */
static ALWAYS_INLINE int look_up_length(const struct prefix_hash *table, const struct key *keys, uint8_t *pending,
					int count, uint8_t class, uint32_t *results)
{
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	int remaining = 0;

	load(table, keys, pending, count, class, 1, hashes);
	select_candidates(table, hashes, count, candidates);
	for (int i = 0; i < count; i++) {
		int position = pending[i];

		if (i < count - RECORDS_AHEAD)
			__builtin_prefetch(&table->records[candidates[i + RECORDS_AHEAD]], 0, 3);
		results[position] = compare(table, &keys[position], class, 1, hashes[i], candidates[i]);
		pending[remaining] = position;
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
		load(table, keys, pending, count, lengths[length], 1, &hashes[length * count]);
	select_candidates(table, hashes, used * count, candidates);
	for (int i = 0; i < count; i++) {
		int position = pending[i];
		uint32_t found = 0;

		for (int length = 0; !found && length < used; length++) {
			int at = length * count + i;

			if (candidates[at])
				found = compare(table, &keys[position], lengths[length], 1, hashes[at], candidates[at]);
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
		uint8_t longest = table->lengths[length++];
		int missed = longest <= 64 ? look_up_in_order(table, keys, count, longest, 0, results)
					   : look_up_in_order(table, keys, count, longest, 1, results);

		for (int i = 0; missed && i < count; i++) {
			pending[left] = i;
			left += !results[i];
		}
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
				: look_up_length(table, keys, pending, left, table->lengths[length], results);
		length += used;
	}
}

#endif
