import FlowTable

/// What every contestant of the suite holds and is asked, from fixed seeds. The C peers make the same (workload.h), which
/// the digests prove that run.py compares.
enum Workload {
  static let million = 1_000_000
  static let queries = 1 << 20
  static let batch = 64
  /// Tunnels that the bindings are spread over.
  static let tunnels = 4096

  enum Seed: UInt64 {
    case members = 1
    case queries, misses, mixed, order, churn
  }

  /// The tunnel of a binding; identifiers of a fresh table count from 1.
  static func tunnel(of member: Int) -> TunnelID { TunnelID(UInt32(1 + member % tunnels)) }

  /// 80 % /64, 15 % /128, 5 % spread over eight other lengths.
  private static func mixedLength(_ member: Int) -> Int {
    let kind = member % 20
    return kind < 16 ? 64 : kind < 19 ? 128 : [40, 44, 48, 52, 54, 56, 60, 62][member / 20 % 8]
  }

  /// Random prefixes of 2000::/3: all /64, or the mixed lengths. Random ones do not contain each other wholesale.
  static func prefixes(_ count: Int, isMixed: Bool = false) -> [Prefix] {
    var random = SplitMix64(isMixed ? .mixed : .members)
    return (0..<count).map { member in
      Prefix(covering: random.address(), length: isMixed ? mixedLength(member) : 64)
    }
  }

  /// Random members with random host parts.
  static func queries(_ prefixes: [Prefix]) -> (keys: [LookupKey], members: [Int]) {
    var random = SplitMix64(.queries)
    var members: [Int] = []
    let keys = (0..<queries).map { _ in
      let member = random.next(below: prefixes.count)
      members.append(member)
      let prefix = prefixes[member]
      let length = Int(prefix.length)
      let high = prefix.address.high | (random.next() & ~leadingOnes(length))
      let low = prefix.address.low | (random.next() & ~leadingOnes(length - 64))
      return LookupKey(high: high, low: low, family: .ipv6)
    }
    return (keys, members)
  }

  /// Random addresses; that none is in the table is checked before it is measured.
  static func misses() -> [LookupKey] {
    var random = SplitMix64(.misses)
    return (0..<queries).map { _ in LookupKey(random.address()) }
  }

  /// The numbers below `count`, shuffled.
  static func order(_ count: Int) -> [Int] {
    var random = SplitMix64(.order)
    var order: [Int] = []
    for position in 0..<count {
      let other = random.next(below: position + 1)
      order.append(position)
      order.swapAt(position, other)
    }
    return order
  }

  private static func leadingOnes(_ count: Int) -> UInt64 { count <= 0 ? 0 : ~(UInt64.max >> UInt64(count)) }
}

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SplitMix64 {
  private var state: UInt64

  init(_ seed: Workload.Seed) { state = seed.rawValue }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }

  mutating func next(below count: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(count)).high) }

  /// An address of 2000::/3.
  mutating func address() -> IPAddress {
    let high = next() >> 3 | 1 << 61
    return IPAddress(ipv6High: high, low: next())
  }
}

/// A number that is the same only if all values in their order are.
struct Digest {
  private(set) var value: UInt64 = 0

  mutating func add(_ next: UInt32) { value = value &* 0x100_0000_01b3 &+ UInt64(next) }
}
