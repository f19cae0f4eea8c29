/*
 * The peer `c` of the suite `engine`: the same packets through the same tables, written by hand in C.
 *
 * Usage: c NAME…    fills the tables, checks all answers and prints "ready"; then answers each line of standard input,
 *                   a NAME or "digest-NAME" or "cycles-NAME", with one line
 *
 * What it shares with the product is told in peer/: structures, checks, counters, headers written, batches. What it
 * leaves out is what no packet of the suite needs: exceptions, handover, nested tunnels, a second binding table, a
 * writer beside it.
 */
#include "peer/setup.h"

#define CHECKED (1 << 20)
#define MOST 24
/* A figure is taken over five million packets, in stretches of a thousand; the product's side does the same. */
#define STRETCHES 5000
#define TURNS 16

struct run {
	char name[32];
	struct engine_traffic *traffic;
	struct worker *worker;
	int arrival, departure;
	size_t length;
	uint64_t number, digest;
};

static struct run runs[MOST];
static int run_count;

static void offer_batch(struct run *run)
{
	struct port *port = &run->worker->ports[run->arrival];

	for (int i = 0; i < BATCH; i++) {
		uint64_t address = run->worker->free_frames[--run->worker->free_count] + HEADROOM;

		engine_frame(run->traffic, run->number++, run->worker->memory + address);
		port->pending[port->pending_count++] = (struct descriptor){address, (uint32_t)run->length};
	}
}

static void fail(const struct run *run, const char *what, uint64_t number)
{
	fprintf(stderr, "c: %s: %s, packet %llu\n", run->name, what, (unsigned long long)number);
	exit(1);
}

/* Received, transmitted, packets and octets in the tunnels' cells, dropped or punted. */
static void counted(const struct run *run, uint64_t sums[5])
{
	const struct worker *worker = run->worker;

	memset(sums, 0, 5 * sizeof(*sums));
	sums[0] = worker->received[run->arrival][0];
	sums[1] = worker->transmitted[run->departure][0];
	for (int id = 1; id <= ENGINE_TUNNELS; id++) {
		sums[2] += worker->tunnel_cells[id].up_packets + worker->tunnel_cells[id].down_packets;
		sums[3] += worker->tunnel_cells[id].up_octets + worker->tunnel_cells[id].down_octets;
	}
	for (int i = 0; i < 4 * REASONS; i++)
		sums[4] += worker->counters[i];
}

/* Compares every frame sent with the one expected, and every counter with the packets. */
static void check(struct run *run)
{
	const struct port *port = &run->worker->ports[run->departure];
	uint64_t before[5], after[5], tunnels = run->traffic->way == ENGINE_LMA_HAIRPIN ? 2 : 1;
	uint64_t octets = engine_inner_length(run->traffic->way);
	uint64_t expected[5] = {CHECKED, CHECKED, tunnels * CHECKED, tunnels * CHECKED * octets, 0};

	counted(run, before);
	for (int at = 0; at < CHECKED; at += BATCH) {
		uint64_t first = run->number;

		offer_batch(run);
		turn(run->worker);
		if (port->sent_count != BATCH)
			fail(run, "not every one of a batch was sent", first);
		for (int i = 0; i < BATCH; i++) {
			const uint8_t *sent = run->worker->memory + port->sent[i].address;

			if (!engine_is_expected(run->traffic, first + (uint64_t)i, sent, port->sent[i].length))
				fail(run, "other octets were sent", first + (uint64_t)i);
			run->digest = engine_digest(run->digest, sent, port->sent[i].length);
		}
	}
	counted(run, after);
	for (int i = 0; i < 5; i++)
		if (after[i] - before[i] != expected[i])
			fail(run, "a counter is not what the packets make it", (uint64_t)i);
}

static int by_size(const void *left, const void *right)
{
	uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;

	return one < other ? -1 : one > other;
}

/*
 * Cycles a packet, and the clock's rate in `frequency`: the median of stretches of turns, so that a stretch in which
 * the kernel did something else does not count.
 */
static double cycles_of(struct run *run, double *frequency)
{
	static uint64_t stretches[STRETCHES];
	uint64_t first;
	double start;

	for (int i = 0; i < 2048; i++) {
		offer_batch(run);
		turn(run->worker);
	}
	start = seconds();
	first = engine_ticks();
	for (int i = 0; i < STRETCHES; i++) {
		stretches[i] = 0;
		for (int at = 0; at < TURNS; at++) {
			uint64_t before;

			offer_batch(run);
			before = engine_ticks();
			turn(run->worker);
			stretches[i] += engine_ticks() - before;
		}
	}
	*frequency = (double)(engine_ticks() - first) / (seconds() - start);
	qsort(stretches, STRETCHES, sizeof(*stretches), by_size);
	return (double)stretches[STRETCHES / 2] / (TURNS * BATCH);
}

static const char *const ways[] = {[ENGINE_LMA_DOWNLINK] = "lma-downlink", [ENGINE_LMA_UPLINK] = "lma-uplink",
				   [ENGINE_LMA_HAIRPIN] = "lma-hairpin",   [ENGINE_LMA_IPV4] = "lma-ipv4",
				   [ENGINE_MAG_DOWNLINK] = "mag-downlink", [ENGINE_MAG_UPLINK] = "mag-uplink"};

static uint32_t bindings_of(const char *size)
{
	static const struct {
		const char *name;
		uint32_t bindings;
	} sizes[] = {{"1k", 1000}, {"100k", 100000}, {"1m", MILLION}, {"10m", 10 * MILLION}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!strcmp(size, sizes[i].name))
			return sizes[i].bindings;
	return 0;
}

/* The worker of an earlier run with the same bindings, or a new one. */
static struct worker *worker_for(const struct run *run, uint32_t bindings)
{
	int way = run->traffic->way, is_gateway = way == ENGINE_MAG_DOWNLINK || way == ENGINE_MAG_UPLINK;

	for (int i = 0; i < run_count; i++) {
		const struct run *other = &runs[i];

		if (other->traffic->bindings == bindings && other->worker->is_gateway == is_gateway &&
		    (other->traffic->way == ENGINE_LMA_IPV4) == (way == ENGINE_LMA_IPV4))
			return other->worker;
	}
	return make_worker(is_gateway, way == ENGINE_LMA_IPV4, bindings);
}

static void add_run(const char *name)
{
	struct run *run = &runs[run_count];
	const char *dash = strrchr(name, '-');
	uint32_t bindings = dash ? bindings_of(dash + 1) : 0;
	uint8_t frame[ENGINE_LONGEST];
	int way = -1;

	for (int i = 0; dash && i < (int)(sizeof(ways) / sizeof(ways[0])); i++)
		if (strlen(ways[i]) == (size_t)(dash - name) && !strncmp(ways[i], name, strlen(ways[i])))
			way = i;
	if (way < 0 || !bindings || run_count == MOST) {
		fprintf(stderr, "usage: c NAME… (lma-downlink-1m, …, at most %d); not: %s\n", MOST, name);
		exit(1);
	}
	snprintf(run->name, sizeof(run->name), "%s", name);
	run->traffic = engine_traffic_create((enum engine_way)way, bindings);
	if (!run->traffic) {
		perror("traffic");
		exit(1);
	}
	run->worker = worker_for(run, bindings);
	run->arrival = engine_arrival(run->traffic->way);
	run->departure = way == ENGINE_LMA_HAIRPIN ? run->arrival : !run->arrival;
	run->length = engine_frame(run->traffic, 0, frame);
	run_count++;
}

static struct run *find_run(const char *name)
{
	for (int i = 0; i < run_count; i++)
		if (!strcmp(runs[i].name, name))
			return &runs[i];
	fprintf(stderr, "c: no measurement %s\n", name);
	exit(1);
}

int main(int count, char **names)
{
	char name[64];

	for (int i = 1; i < count; i++)
		add_run(names[i]);
	for (int i = 0; i < run_count; i++)
		check(&runs[i]);
	printf("ready\n");
	fflush(stdout);
	while (scanf("%63s", name) == 1) {
		double frequency, cycles;

		if (!strncmp(name, "digest-", 7)) {
			printf("%llu\n", (unsigned long long)find_run(name + 7)->digest);
		} else if (!strncmp(name, "cycles-", 7)) {
			printf("%.6f\n", cycles_of(find_run(name + 7), &frequency));
		} else {
			cycles = cycles_of(find_run(name), &frequency);
			printf("%.6f\n", frequency / cycles * 1e-6);
		}
		fflush(stdout);
	}
	return 0;
}
