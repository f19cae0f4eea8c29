/*
 * Connects to a data plane, sets one binding and reads it back: example SOCKET PREFIX/LENGTH LOCAL REMOTE
 *
 * All addresses are IPv6. Exit status 0 done, 1 refused (the reason on standard error), 2 no conversation.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fastpath_protocol.h"

/* A reply: its header, and its payload with a zero octet behind it. */
struct reply {
	struct fp_header header;
	uint8_t *payload;
	size_t length;
};

static void stop(const char *what)
{
	fprintf(stderr, "example: %s: %s\n", what, errno ? strerror(errno) : "not the protocol");
	exit(2);
}

static void send_all(int peer, const void *octets, size_t count)
{
	const uint8_t *next = octets;

	while (count) {
		ssize_t sent = send(peer, next, count, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			stop("send");
		if (sent > 0) {
			next += sent;
			count -= (size_t)sent;
		}
	}
}

static void receive_all(int peer, void *octets, size_t count)
{
	uint8_t *next = octets;

	while (count) {
		ssize_t received = recv(peer, next, count, 0);

		if (received == 0)
			errno = ECONNRESET;
		if (received == 0 || (received < 0 && errno != EINTR))
			stop("receive");
		if (received > 0) {
			next += received;
			count -= (size_t)received;
		}
	}
}

/* One request and its reply; exits with 1 when it is refused. The payload is the caller's to free. */
static struct reply ask(int peer, struct fp_header header, const void *payload, size_t length)
{
	static uint32_t request_id;
	struct reply reply;

	header.length = fp_put32((uint32_t)length);
	header.request_id = fp_put32(++request_id);
	send_all(peer, &header, sizeof(header));
	send_all(peer, payload, length);
	receive_all(peer, &reply.header, sizeof(reply.header));
	errno = 0;
	reply.length = fp_get32(reply.header.length);
	if (reply.length > FP_LARGEST_PAYLOAD || fp_get32(reply.header.request_id) != request_id)
		stop("reply");
	reply.payload = calloc(1, reply.length + 1);
	if (!reply.payload)
		stop("memory");
	receive_all(peer, reply.payload, reply.length);
	if (fp_get32(reply.header.status) != FP_OK) {
		const struct fp_outcome *outcome = (const void *)reply.payload;

		if (reply.length < sizeof(*outcome) ||
		    reply.length < sizeof(*outcome) + fp_get16(outcome->field_octets) + fp_get16(outcome->rule_octets))
			stop("outcome");
		/* Field and rule follow each other. */
		fprintf(stderr, "refused (%u): %.*s: %s\n", fp_get32(reply.header.status),
			fp_get16(outcome->field_octets), (const char *)(outcome + 1),
			(const char *)(outcome + 1) + fp_get16(outcome->field_octets));
		exit(1);
	}
	return reply;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int peer = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errno = ENAMETOOLONG;
	else if (peer >= 0) {
		strcpy(address.sun_path, path);
		if (connect(peer, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return peer;
	}
	stop(path);
	return -1;
}

static void greet(int peer)
{
	static const char name[] = "example";
	uint8_t payload[sizeof(struct fp_hello_request) + sizeof(name) - 1];
	struct fp_hello_request hello = {.major = fp_put16(FP_MAJOR),
					 .minor = fp_put16(FP_MINOR),
					 .owner = fp_put32(7),
					 .name_octets = fp_put16(sizeof(name) - 1)};
	struct reply reply;

	memcpy(payload, &hello, sizeof(hello));
	memcpy(payload + sizeof(hello), name, sizeof(name) - 1);
	reply = ask(peer, (struct fp_header){.type = fp_put16(FP_HELLO)}, payload, sizeof(payload));
	if (reply.length < sizeof(struct fp_hello_reply))
		stop("HELLO");
	const struct fp_hello_reply *said = (const void *)reply.payload;

	printf("version %u.%u, %s, generation %llu\n", fp_get16(said->major), fp_get16(said->minor),
	       said->role == FP_LMA ? "LMA" : "MAG", (unsigned long long)fp_get64(said->generation));
	free(reply.payload);
}

static void set(int peer, const struct fp_binding *binding)
{
	/* 64 octets are a whole binding of an LMA. */
	uint8_t payload[sizeof(struct fp_scope) + 64];
	struct fp_scope scope = {.table = fp_put16(FP_BINDINGS)};
	struct reply reply;

	memcpy(payload, &scope, sizeof(scope));
	memcpy(payload + sizeof(scope), binding, 64);
	reply = ask(peer,
		    (struct fp_header){.type = fp_put16(FP_UPSERT),
				       .flags = fp_put16(FP_ATOMIC),
				       .count = fp_put32(1),
				       .record_size = fp_put16(64)},
		    payload, sizeof(payload));
	if (reply.length < sizeof(struct fp_outcome))
		stop("outcome");
	const struct fp_outcome *outcome = (const void *)reply.payload;

	printf("applied %u, unchanged %u\n", fp_get32(outcome->applied), fp_get32(outcome->unchanged));
	free(reply.payload);
}

static void show(int peer, const struct fp_binding *binding)
{
	struct fp_lookup key = {
		.kind = FP_BY_PREFIX, .family = 6, .first_length = binding->prefix_length, .first = binding->prefix};
	struct reply reply = ask(peer, (struct fp_header){.type = fp_put16(FP_LOOKUP)}, &key, sizeof(key));
	size_t size = fp_get16(reply.header.record_size);

	for (uint32_t index = 0; index < fp_get32(reply.header.count) && (index + 1) * size <= reply.length; index++) {
		const struct fp_entry *entry = (const void *)(reply.payload + index * size);
		const struct fp_binding *found = (const void *)(entry + 1);
		char prefix[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

		if (fp_get16(entry->scope.table) != FP_BINDINGS || size < sizeof(*entry) + 64)
			continue;
		inet_ntop(AF_INET6, &found->prefix, prefix, sizeof(prefix));
		inet_ntop(AF_INET6, &found->tunnel_remote, remote, sizeof(remote));
		printf("%s/%u by %s, %llu packets down\n", prefix, found->prefix_length, remote,
		       (unsigned long long)fp_get64(entry->down_packets));
	}
	free(reply.payload);
}

int main(int argc, char **argv)
{
	struct fp_binding binding = {.cache = FP_PMIP, .family = 6, .lifetime = fp_put32(3600)};
	char *slash = argc == 5 ? strchr(argv[2], '/') : NULL;
	int peer;

	if (!slash) {
		fprintf(stderr, "usage: example SOCKET PREFIX/LENGTH LOCAL REMOTE\n");
		return 2;
	}
	*slash = '\0';
	binding.prefix_length = (uint8_t)atoi(slash + 1);
	if (inet_pton(AF_INET6, argv[2], &binding.prefix) != 1 ||
	    inet_pton(AF_INET6, argv[3], &binding.tunnel_local) != 1 ||
	    inet_pton(AF_INET6, argv[4], &binding.tunnel_remote) != 1) {
		fprintf(stderr, "example: prefix, local and remote are IPv6 addresses\n");
		return 2;
	}
	peer = connect_to(argv[1]);
	greet(peer);
	set(peer, &binding);
	show(peer, &binding);
	close(peer);
	return 0;
}
