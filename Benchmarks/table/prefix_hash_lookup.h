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

		if (has_low && class > 64)
			hashes[i] = hash_of(table, key->high, key->low & mask.low, class);
		else
			hashes[i] = hash_key(table, key->high & mask.high, has_low ? key->low & mask.low : 0, factor);
		__builtin_prefetch(&table->buckets[home_of(table, hashes[i])], 0, 3);
	}
}

/* The first record with a key's tag in the buckets after its first. */
static ALWAYS_INLINE uint32_t candidate_after(const struct prefix_hash *table, uint64_t hash)
{
	uint64_t number = second_of(table, hash);
	const struct bucket *bucket;
	struct match found;

	do {
		bucket = bucket_at(table, number++);
		found = match_tags(bucket, tag_of(hash));
	} while (!found.slots && found.goes_on);
	return found.slots ? bucket->records[slot_of(found.slots)] : 0;
}

/* The second pass, for one key; returns how many keys may lie past their first bucket, with it. */
static ALWAYS_INLINE int select_candidate(const struct prefix_hash *table, const uint64_t *hashes, int i,
					  uint32_t *candidates, uint8_t *passed, int passed_count)
{
	const struct bucket *bucket = &table->buckets[home_of(table, hashes[i])];
	struct match found = match_tags(bucket, tag_of(hashes[i]));
	uint32_t candidate = 0;

	if (found.slots) {
		candidate = __atomic_load_n(&bucket->records[slot_of(found.slots)], __ATOMIC_ACQUIRE);
	} else if (found.goes_on) {
		__builtin_prefetch(bucket_at(table, second_of(table, hashes[i])), 0, 3);
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
		__builtin_prefetch(&table->buckets[home_of(table, hashes[i + BUCKETS_AHEAD])], 0, 3);
		passed_count = select_candidate(table, hashes, i, candidates, passed, passed_count);
	}
	for (; i < count; i++)
		passed_count = select_candidate(table, hashes, i, candidates, passed, passed_count);
	if (passed_count)
		select_passed(table, hashes, candidates, passed, passed_count);
}

/* The third pass, for one key: the candidate if it is the key's and of this generation, else what a search finds. */
static ALWAYS_INLINE uint32_t compare(const struct prefix_hash *table, const struct key *key, uint8_t class,
				      int has_low, uint32_t candidate)
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
	return prefix_hash_search(table, high, low, class);
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
		results[i] = compare(table, &keys[i], class, has_low, candidates[i]);
		left += !results[i];
	}
	for (; i < count; i++) {
		results[i] = compare(table, &keys[i], class, has_low, candidates[i]);
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
		results[position] = compare(table, &keys[position], class, 1, candidates[i]);
		pending[remaining] = position;
		remaining += !results[position];
	}
	return remaining;
}

/*
 * A few keys: the next lengths at once, as many as make up a batch, so that their latencies overlap. The parts are
 * apart, so that others' records are waited for between them.
 */
struct together {
	const uint8_t *lengths;
	uint64_t hashes[BATCH];
	uint32_t candidates[BATCH];
	uint8_t pending[BATCH];
	int count, used;
};

static ALWAYS_INLINE void load_together(const struct prefix_hash *table, const struct key *keys,
					struct together *together, int from)
{
	int rest = table->length_count - from, room = BATCH / together->count, count = together->count;

	together->used = rest < room ? rest : room;
	together->lengths = &table->lengths[from];
	for (int at = 0; at < together->used; at++)
		load(table, keys, together->pending, count, together->lengths[at], 1, &together->hashes[at * count]);
}

static ALWAYS_INLINE void select_together(const struct prefix_hash *table, struct together *together)
{
	select_candidates(table, together->hashes, together->used * together->count, together->candidates);
}

/* Returns how many keys are left; they are the first of `pending`. */
static ALWAYS_INLINE int compare_together(const struct prefix_hash *table, const struct key *keys,
					  struct together *together, uint32_t *results)
{
	int remaining = 0;

	for (int i = 0; i < together->count; i++) {
		int position = together->pending[i];
		uint32_t found = 0;

		for (int at = 0; !found && at < together->used; at++) {
			uint32_t candidate = together->candidates[at * together->count + i];

			if (candidate)
				found = compare(table, &keys[position], together->lengths[at], 1, candidate);
		}
		results[position] = found;
		together->pending[remaining] = position;
		remaining += !found;
	}
	return remaining;
}

#endif
