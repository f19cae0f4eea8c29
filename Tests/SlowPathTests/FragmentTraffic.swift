/// Random fragments of random packets on their way through a network that loses, repeats, reorders and forges.
struct FragmentTraffic {
  /// A fragment and how many nanoseconds after the one before it comes.
  typealias Arrival = (octets: [UInt8], pause: UInt64)

  private var random: SplitMix

  init(seed: UInt64) { random = SplitMix(state: seed) }

  /// Fragments of `packets` packets, each near to others of its own packet but mixed with those of some more.
  mutating func arrivals(packets: Int) -> [Arrival] {
    var placed: [(place: Int, octets: [UInt8])] = []
    for number in 0..<packets {
      let spread = random.below(4) == 0 ? 400 : 40
      for fragment in onTheWay(fragments()) { placed.append((number * 4 + random.below(spread), fragment)) }
    }
    placed.sort { $0.place < $1.place }
    return placed.map { ($0.octets, pause()) }
  }

  private mutating func pause() -> UInt64 {
    switch random.below(40) {
    case 0: UInt64(random.below(25)) * 1_000_000_000
    case 1..<30: UInt64(random.below(1_000_000))
    default: 0
    }
  }

  /// All fragments of one packet. Few addresses and identifications, so that some packets meet under one key.
  private mutating func fragments() -> [SampleFragment] {
    var base = SampleFragment()
    base.source = UInt8(random.below(3))
    base.destination = UInt8(random.below(2))
    base.identification = UInt32(random.below(60))
    base.congestion = UInt8(random.below(4))
    base.nextHeader = [41, 41, 41, 60, 253][random.below(5)]
    for _ in 0..<max(0, random.below(6) - 3) {
      base.headers.append(
        [SampleFragment.hopByHop, SampleFragment.encapsulationLimit, SampleFragment.routing][random.below(3)])
    }
    let long = random.below(50) == 0
    // Up to eight octets more than may be, where a packet is long.
    let length = long ? 65000 + random.below(544) : 1 + random.below(400)
    var body = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    // Eight octets of options and an IPv6 header behind them, wherever a forger moves the fragment's start.
    if base.nextHeader == 60 {
      for start in stride(from: 0, to: length - 1, by: 8) { body[start...start + 1] = [41, 0] }
    }
    var cuts: [SampleFragment] = []
    var start = 0
    while start < length {
      let most = long ? 1024 : 10
      let size = min(length - start, 8 * (1 + random.below(most)))
      var fragment = base
      (fragment.offset, fragment.more) = (start, start + size < length)
      // A field of 13 bits cannot say more; the octets behind it cannot be sent.
      if start > 65528 { break }
      fragment.data = Array(body[start..<start + size])
      cuts.append(fragment)
      start += size
    }
    return cuts
  }

  /// What arrives of these fragments, in an order that later places change once more.
  private mutating func onTheWay(_ sent: [SampleFragment]) -> [[UInt8]] {
    var arriving: [[UInt8]] = []
    let marks = random.below(6) == 0
    let hostile = random.below(4) == 0
    let lossy = random.below(4) == 0
    for original in sent {
      var fragment = original
      if marks { fragment.congestion = UInt8(random.below(4)) }
      if lossy && random.below(5) == 0 { continue }
      arriving.append(fragment.octets)
      if random.below(12) == 0 { arriving.append(fragment.octets) }
      if hostile && random.below(6) == 0 { arriving.append(forged(fragment)) }
    }
    return arriving
  }

  private mutating func forged(_ original: SampleFragment) -> [UInt8] {
    var fragment = original
    switch random.below(7) {
    case 0: fragment.offset = max(0, fragment.offset + 8 * (random.below(9) - 4)) & 0xfff8
    // The last octet: a header number in front may not change, or the model would have to know them all.
    case 1: fragment.data[fragment.data.count - 1] ^= 1
    case 2: fragment.more.toggle()
    case 3: fragment.data.removeLast(random.below(3) == 0 ? fragment.data.count : 1 + random.below(fragment.data.count))
    case 4: fragment.data += [UInt8](repeating: 7, count: 8 * random.below(4))
    case 5: fragment.offset = 65528 - 8 * random.below(12)
    default: fragment.headers = [SampleFragment.encapsulationLimit]
    }
    return fragment.octets + [UInt8](repeating: 0xaa, count: random.below(3))
  }
}
