#!/usr/bin/python3
"""Prints prefixes like those of a full IPv6 routing table, one line `PREFIX/LENGTH NEXTHOP` each, in a random order.

Usage: Benchmarks/table/prefixes.py [--count N] [--seed N]

No data set: the table is drawn. What is kept of the real one are facts that anyone can look up:
* the share of each prefix length among the about 230,000 prefixes of 2025, rounded: "IPv6 BGP Table" reports of
  bgp.potaroo.net (prefix size distribution), the same shape as in the tables of the RIPE Routing Information Service;
* the blocks that the registries allocate from (IANA, "IPv6 Global Unicast Address Assignments"), and that an allocation
  is a /32 or a few bits more, or a /48 to /40 for an end site in blocks kept for those;
* that more-specific prefixes are clustered: few allocations hold most of them, often next to each other; and that 57 %
  of all prefixes lie inside another one (same reports): of many allocations only parts are announced.
A real router adds its default route, its connected /64s and host routes.
"""

import argparse
import ipaddress
import random
import sys

COUNT = 230000
SEED = 20250701
NEXT_HOPS = 256

# Percent of all prefixes, by length. The rest of 100 goes to /48.
SHARES = {
    20: 0.01, 22: 0.01, 24: 0.03, 26: 0.02, 27: 0.02, 28: 0.15, 29: 2.5, 30: 0.4, 31: 0.3, 32: 11.0, 33: 2.2, 34: 1.8,
    35: 0.9, 36: 4.0, 37: 0.7, 38: 1.3, 39: 0.9, 40: 7.5, 41: 0.8, 42: 2.8, 43: 1.0, 44: 9.0, 45: 1.6, 46: 3.2, 47: 2.6,
}  # fmt: skip

# Blocks that providers' allocations come from, with their share of them.
PROVIDER_BLOCKS = [
    ("2a00::/11", 38), ("2400::/12", 22), ("2600::/12", 10), ("2800::/12", 14), ("2c00::/12", 4), ("2001:200::/23", 2),
    ("2001:400::/23", 2), ("2001:600::/23", 2), ("2001:800::/22", 2), ("2001:1200::/23", 1), ("2001:4200::/23", 1),
    ("2001:4800::/23", 1), ("2001:b00::/24", 1),
]  # fmt: skip

# Blocks of end sites' own prefixes, with the lengths they have there and their share of all /48, /44, /40.
SITE_BLOCKS = [("2001:67c::/32", 48), ("2620::/23", 48), ("2620::/23", 44), ("2620::/23", 40), ("2001:df0::/29", 48),
               ("2001:43f8::/29", 48), ("2801::/24", 48)]  # fmt: skip
SITE_SHARE = 0.11
# Allocations of which only parts are announced, for each one that is announced itself.
UNANNOUNCED = 3


class Drawing:
    """A table as it grows: what is taken, and the allocations that more-specifics come from."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.next_hops = {}
        self.allocations = []
        self.weights = []
        self.last = {}

    def add(self, network, length, next_hop):
        """Takes a prefix; False when it is taken already."""
        if (network, length) in self.next_hops:
            return False
        self.next_hops[network, length] = next_hop
        return True

    def inside(self, network, length, longer):
        """A random prefix of `longer` bits inside another."""
        return network | self.random.getrandbits(longer - length) << (128 - longer)

    def any_next_hop(self):
        """Next hops are not alike: half of all prefixes share a dozen."""
        return 1 + int(self.random.paretovariate(0.35)) % NEXT_HOPS

    def allocate(self, length, count):
        """Allocations of providers: /32 and shorter."""
        blocks = [ipaddress.IPv6Network(block) for block, _ in PROVIDER_BLOCKS]
        shares = [share for _, share in PROVIDER_BLOCKS]
        while count:
            block = self.random.choices(blocks, shares)[0]
            if block.prefixlen >= length:
                continue
            network = self.inside(int(block.network_address), block.prefixlen, length)
            next_hop = self.any_next_hop()
            if self.random.random() < UNANNOUNCED / (1 + UNANNOUNCED):
                added = True
            elif added := self.add(network, length, next_hop):
                count -= 1
            if added:
                self.allocations.append((network, length, next_hop))
                # Heavy-tailed: most allocations have none or a few more-specifics, some have thousands.
                self.weights.append(self.random.paretovariate(1.1))

    def sites(self, length, count):
        """End sites' own prefixes."""
        blocks = [ipaddress.IPv6Network(block) for block, site_length in SITE_BLOCKS if site_length == length]
        while count:
            block = self.random.choice(blocks)
            network = self.inside(int(block.network_address), block.prefixlen, length)
            count -= self.add(network, length, self.any_next_hop())

    def more_specifics(self, length, count):
        """More-specifics of allocations; two of three follow the last one there, as a block cut into pieces does."""
        chosen = iter(())
        while count:
            index = next(chosen, None)
            if index is None:
                chosen = iter(self.random.choices(range(len(self.allocations)), self.weights, k=10000))
                continue
            network, own, next_hop = self.allocations[index]
            if own >= length:
                continue
            drawn = self.inside(network, own, length)
            if self.random.random() < 2 / 3 and (index, length) in self.last:
                following = self.last[index, length] + (1 << (128 - length))
                drawn = following if following >> (128 - own) == network >> (128 - own) else drawn
            if self.add(drawn, length, next_hop if self.random.random() < 0.5 else self.any_next_hop()):
                self.last[index, length] = drawn
                count -= 1


def draw(count, seed):
    """The table as ((network, length), next hop), shuffled."""
    table = Drawing(seed)
    counts = {length: round(count * share / 100) for length, share in SHARES.items()}
    for length in range(20, 33):
        if length in counts:
            # Shorter than /32: most are allocations; of /32 itself one in seven is cut out of a shorter one.
            cut = counts[length] // 7 if length == 32 else 0
            table.allocate(length, counts[length] - cut)
            table.more_specifics(length, cut)
    table.add(0, 0, 1)
    connected = int(ipaddress.IPv6Address("2001:db8::"))
    for number in range(12):
        table.add(connected | number << 64, 64, table.any_next_hop())
    for number in range(24):
        table.add(connected | number % 12 << 64 | 1 + number // 12, 128, table.any_next_hop())
    counts[48] = count - len(table.next_hops) - sum(many for length, many in counts.items() if length > 32)
    for length in sorted(length for length in counts if length > 32):
        sites = int(counts[length] * SITE_SHARE) if length in (40, 44, 48) else 0
        table.sites(length, sites)
        table.more_specifics(length, counts[length] - sites)
    drawn = list(table.next_hops.items())
    table.random.shuffle(drawn)
    return drawn


def main():
    """Prints the table; the seed goes to standard error, so that a run can be repeated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    print(f"prefixes: {options.count} with seed {options.seed}", file=sys.stderr)
    for (network, length), next_hop in draw(options.count, options.seed):
        print(f"{ipaddress.IPv6Address(network)}/{length} {next_hop}")


if __name__ == "__main__":
    main()
