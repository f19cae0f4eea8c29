/* The messages without records: HELLO, STATUS, COUNTERS, and those of version 1.1 that are answered by an outcome. */
#include <string.h>

#include "golden.h"

/* A whole reply whose payload is an outcome; `count` is applied, unchanged, failed or removed. */
static void check_outcome(const char *name, enum fp_type type, uint32_t id, const uint32_t count[3], uint32_t index,
			  enum fp_status code, const char *field, const char *rule, uint64_t generation)
{
	struct frame made = frame(type, id, FP_REPLY, code, 0, 0);
	struct fp_outcome outcome = {.applied = fp_put32(count[0]),
				     .unchanged = fp_put32(count[1]),
				     .failed = fp_put32(count[2]),
				     .index = fp_put32(index),
				     .code = fp_put32(code),
				     .field_octets = fp_put16((uint16_t)strlen(field)),
				     .rule_octets = fp_put16((uint16_t)strlen(rule)),
				     .generation = fp_put64(generation)};

	add(&made, &outcome, sizeof(outcome));
	add_text(&made, field);
	add_text(&made, rule);
	check(name, &made);
}

static void check_done(const char *name, enum fp_type type, uint32_t id, uint64_t generation)
{
	check_outcome(name, type, id, (const uint32_t[]){0, 0, 0}, FP_NO_INDEX, FP_OK, "", "", generation);
}

static void check_refused(const char *name, enum fp_type type, uint32_t id, enum fp_status code, const char *field,
			  const char *rule, uint64_t generation)
{
	check_outcome(name, type, id, (const uint32_t[]){0, 0, 0}, FP_NO_INDEX, code, field, rule, generation);
}

static void check_request(const char *name, enum fp_type type, uint32_t id, uint16_t flags, const void *payload,
			  size_t count)
{
	struct frame made = frame(type, id, flags, FP_OK, 0, 0);

	add(&made, payload, count);
	check(name, &made);
}

static void check_hello(const char *name, uint32_t id, uint16_t minor, uint32_t owner, const char *client)
{
	struct frame made = frame(FP_HELLO, id, 0, FP_OK, 0, 0);
	struct fp_hello_request hello = {.major = fp_put16(FP_MAJOR),
					 .minor = fp_put16(minor),
					 .owner = fp_put32(owner),
					 .name_octets = fp_put16((uint16_t)strlen(client))};

	add(&made, &hello, sizeof(hello));
	add_text(&made, client);
	check(name, &made);
}

static void add_table(struct frame *made, uint16_t table, uint16_t size, uint32_t flags, uint64_t entries,
		      uint64_t capacity, uint64_t digest)
{
	struct fp_hello_table said = {.table = fp_put16(table),
				      .record_size = fp_put16(size),
				      .flags = fp_put32(flags),
				      .entries = fp_put64(entries),
				      .capacity = fp_put64(capacity),
				      .digest = fp_put64(digest)};

	add(made, &said, sizeof(said));
}

static struct frame hello_reply(uint32_t id, uint16_t minor, uint64_t generation, int boot_id_falls, uint32_t tables)
{
	struct frame made = frame(FP_HELLO, id, FP_REPLY, FP_OK, tables, sizeof(struct fp_hello_table));
	struct fp_hello_reply hello = {.major = fp_put16(1),
				       .minor = fp_put16(minor),
				       .access = FP_WRITE,
				       .role = FP_LMA,
				       .version_octets = fp_put16(14),
				       .generation = fp_put64(generation),
				       .largest_payload = fp_put32(FP_LARGEST_PAYLOAD),
				       .most_records = fp_put32(FP_MOST_RECORDS)};

	for (uint8_t index = 0; index < 16; index++)
		hello.boot_id[index] = boot_id_falls ? (uint8_t)(15 - index) : index;
	add(&made, &hello, sizeof(hello));
	return made;
}

/* One entry's part of its table's digest; the record without lifetime. */
static uint64_t digest(const void *record, size_t octets)
{
	const uint8_t *bytes = record;

	while (octets && !bytes[octets - 1])
		octets--;
	return fp_digest_term(fp_crc32(0, record, octets));
}

void check_greetings(void)
{
	struct fp_binding first = lma_v6(), second = lma_v4();
	struct fp_tunnel tunnel = tunnel_all();
	struct fp_peer peer = peer_failed();
	struct frame made = hello_reply(1, 0, 42, 0, 4);

	check_hello("hello-request", 1, 0, 0, "fastpathctl");
	check_hello("hello-request-owner", 22, 1, 7, "accessd");
	add_table(&made, FP_BINDINGS, sizeof(struct fp_binding), 0, 1000000, 16777216, 0);
	add_table(&made, FP_TUNNELS, sizeof(struct fp_tunnel), 0, 2, 65536, 0);
	add_table(&made, FP_ROUTES, sizeof(struct fp_route), 0, 0, 65536, 0);
	add_table(&made, FP_VISITORS, sizeof(struct fp_visitor), 0, 0, 65536, 0);
	add_text(&made, "fastpath 0.1.0");
	check("hello-reply", &made);
	made = hello_reply(22, 1, 1, 1, 5);
	first.lifetime = fp_put32(0);
	add_table(&made, FP_BINDINGS, sizeof(struct fp_binding), FP_TABLE_STALE, 2, 16777216,
		  digest(&first, sizeof(first)) + digest(&second, sizeof(second)));
	add_table(&made, FP_TUNNELS, sizeof(struct fp_tunnel), 0, 1, 65536, digest(&tunnel, sizeof(tunnel)));
	add_table(&made, FP_ROUTES, sizeof(struct fp_route), 0, 0, 65536, 0);
	add_table(&made, FP_VISITORS, sizeof(struct fp_visitor), 0, 0, 65536, 0);
	add_table(&made, FP_PEERS, sizeof(struct fp_peer), FP_TABLE_STALE, 1, 65536, digest(&peer, sizeof(peer)));
	add_text(&made, "fastpath 0.2.0");
	check("hello-reply-stale", &made);
	check_refused("hello-reply-busy", FP_HELLO, 0, FP_UNAVAILABLE, "frame", "1000 connections are open", 0);
	check_outcome("outcome-ok", FP_UPSERT, 2, (const uint32_t[]){2, 1, 0}, FP_NO_INDEX, FP_OK, "", "", 43);
	check_outcome("outcome-stale", FP_DELETE, 9, (const uint32_t[]){0, 0, 1}, 1, FP_STALE, "expect",
		      "the tunnel is 2001:db8:b::1", 43);
	check_refused("failure-unsupported", (enum fp_type)99, 77, FP_UNSUPPORTED, "frame",
		      "message type 99 is not served by this version", 0);
}

void check_transactions(void)
{
	struct fp_binding first = lma_v6(), second = lma_v4();
	struct fp_scope all = {.table = fp_put16(FP_ALL_TABLES)}, bindings = {.table = fp_put16(FP_BINDINGS)};
	struct fp_commit commit = {.count = fp_put64(2),
				   .crc = fp_put32(fp_crc32(fp_crc32(0, &first, 64), &second, 64))};
	static const uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8};

	check_request("ping-request", FP_PING, 23, 0, octets, 8);
	check_request("ping-reply", FP_PING, 23, FP_REPLY, octets, 8);
	check_request("ping-empty", FP_PING, 24, 0, octets, 0);
	check_request("ping-empty-reply", FP_PING, 24, FP_REPLY, octets, 0);
	check_request("barrier-request", FP_BARRIER, 25, 0, octets, 0);
	check_done("barrier-reply", FP_BARRIER, 25, 44);
	check_request("txn-begin", FP_TXN_BEGIN, 26, FP_REPLACE, &all, sizeof(all));
	check_request("txn-begin-bindings", FP_TXN_BEGIN, 27, FP_REPLACE, &bindings, sizeof(bindings));
	check_done("txn-begin-reply", FP_TXN_BEGIN, 26, 44);
	check_refused("txn-begin-open", FP_TXN_BEGIN, 27, FP_CONFLICT, "transaction", "one is open on this connection",
		      44);
	check_request("txn-commit", FP_TXN_COMMIT, 28, 0, &commit, sizeof(commit));
	check_outcome("txn-commit-reply", FP_TXN_COMMIT, 28, (const uint32_t[]){1, 1, 3}, FP_NO_INDEX, FP_OK, "", "",
		      45);
	check_refused("txn-commit-conflict", FP_TXN_COMMIT, 28, FP_CONFLICT, "count", "3 records were said, 2 came",
		      44);
	check_outcome("txn-commit-full", FP_TXN_COMMIT, 28, (const uint32_t[]){0, 0, 0}, 1, FP_TABLE_FULL, "tunnel",
		      "the tunnels are full", 44);
	check_request("txn-abort", FP_TXN_ABORT, 29, 0, octets, 0);
	check_done("txn-abort-reply", FP_TXN_ABORT, 29, 44);
}

void check_synchronisation(void)
{
	struct fp_scope bindings = {.table = fp_put16(FP_BINDINGS)};
	struct fp_sync_end end = {.count = fp_put64(5000000000)};

	check_request("sync-begin", FP_SYNC_BEGIN, 30, 0, &bindings, sizeof(bindings));
	check_done("sync-begin-reply", FP_SYNC_BEGIN, 30, 45);
	check_request("sync-end", FP_SYNC_END, 31, 0, &end, sizeof(end));
	check_outcome("sync-end-reply", FP_SYNC_END, 31, (const uint32_t[]){0, 0, 7}, FP_NO_INDEX, FP_OK, "", "", 46);
	check_refused("sync-end-conflict", FP_SYNC_END, 31, FP_CONFLICT, "count",
		      "the owner has 2 entries, 5000000000 were said", 45);
}
