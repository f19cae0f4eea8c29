/*
 * Compares frames built with fastpath_protocol.h with the golden ones: golden FOLDER
 *
 * Prints "NAME ok" or "NAME differs at OCTET" for each; exit status 1 when one differs.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static const char *folder;
static int failures;

struct frame frame(enum fp_type type, uint32_t id, uint16_t flags, uint32_t status, uint32_t count, uint16_t size)
{
	struct fp_header header = {.type = fp_put16((uint16_t)type),
				   .flags = fp_put16(flags),
				   .request_id = fp_put32(id),
				   .status = fp_put32(status),
				   .count = fp_put32(count),
				   .record_size = fp_put16(size)};
	struct frame made = {.length = 0};

	add(&made, &header, sizeof(header));
	return made;
}

void add(struct frame *frame, const void *octets, size_t count)
{
	if (count > sizeof(frame->octets) - frame->length) {
		fprintf(stderr, "golden: a frame is too long\n");
		exit(2);
	}
	memcpy(frame->octets + frame->length, octets, count);
	frame->length += count;
}

void add_text(struct frame *frame, const char *text)
{
	add(frame, text, strlen(text));
}

void add_zeros(struct frame *frame, size_t count)
{
	static const uint8_t zeros[256];

	add(frame, zeros, count);
}

/* The octets of NAME.hex: two digits each, with blanks between. */
static size_t read_golden(const char *name, uint8_t *octets, size_t most)
{
	char path[4096];
	unsigned int octet;
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.hex", folder, name);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		exit(2);
	}
	while (count < most && fscanf(file, "%2x", &octet) == 1)
		octets[count++] = (uint8_t)octet;
	fclose(file);
	return count;
}

void check_octets(const char *name, const struct frame *made)
{
	static uint8_t golden[sizeof(made->octets)];
	size_t length = read_golden(name, golden, sizeof(golden)), at = 0;

	while (at < length && at < made->length && golden[at] == made->octets[at])
		at++;
	if (at == length && at == made->length) {
		printf("%s ok\n", name);
		return;
	}
	printf("%s differs at %zu\n", name, at);
	failures++;
}

void check(const char *name, struct frame *made)
{
	fp_u32 length = fp_put32((uint32_t)(made->length - sizeof(struct fp_header)));

	memcpy(made->octets, &length, sizeof(length));
	check_octets(name, made);
}

fp_address v6(const char *text)
{
	fp_address address;

	if (inet_pton(AF_INET6, text, &address) != 1)
		exit(2);
	return address;
}

fp_address v4(const char *text)
{
	fp_address address = {{0}};

	if (inet_pton(AF_INET, text, &address) != 1)
		exit(2);
	return address;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: golden FOLDER\n");
		return 2;
	}
	folder = argv[1];
	check_greetings();
	check_batches();
	check_deletes();
	check_reads();
	check_lists();
	check_transactions();
	check_synchronisation();
	check_events();
	check_statistics();
	return failures ? 1 : 0;
}
