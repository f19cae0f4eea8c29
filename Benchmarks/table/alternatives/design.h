/*
 * A design for the table that could have been: what each of them implements, and harness.c measures with the suite's
 * workload. All look up batches of at most BATCH keys and prefetch.
 */
#ifndef TABLE_DESIGN_H
#define TABLE_DESIGN_H

#include "../measure.h"
#include "../workload.h"

struct table;

struct design {
	/* An empty table for these prefixes, whose order of insertion is the same; `has_records` is explained at
	 * `lookup`. */
	struct table *(*create)(const struct prefix *prefixes, size_t count, int has_records);
	void (*destroy)(struct table *table);
	/* Adds a prefix that is not in the table yet. */
	void (*insert)(struct table *table, const struct prefix *prefix);
	/*
	 * For each key the target of its longest match, 0 without one. With records the target must be read from a
	 * record of 64 octets for each prefix, as the pipeline has to; without (routes), the design may keep targets
	 * where it likes.
	 */
	void (*lookup)(const struct table *table, const struct key *keys, int count, uint32_t *targets);
	/* Octets that a reader uses, records included. */
	size_t (*bytes)(const struct table *table);
	/* Prefixes are inserted shortest first. */
	int shortest_first;
};

extern const struct design design;

#endif
