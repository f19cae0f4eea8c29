/// The keyed hash of all tables: two rounds of multiply-and-fold (a 64 × 64 → 128 bit product, halves xored) under two
/// secret words drawn at start. A sender who picks addresses cannot aim at a bucket without the seed.
///
/// Both words of a key go through both rounds. With the lower one in the second round only, addresses in a row were
/// multiples of one factor, and one seed in twenty piled them up: up to 31 buckets for each of 40,000 IPv4 hosts.
///
/// A hash says where a search goes (`BucketStorage`): its top bits choose the first bucket, its lowest fifteen are the tag.
/// Bit 15 says that the lower half is of its own: so it is for IPv6 prefixes longer than 64 bits, whose upper half is that
/// of the /64 they lie in. An address then has one bucket to look into for both.
@usableFromInline
struct KeyHash: Sendable, BitwiseCopyable {
  let first: UInt64
  let second: UInt64

  init(_ seed: (UInt64, UInt64)) {
    // Odd, so that no key of IPv4, whose upper word is zero, makes the first product zero.
    first = seed.0 | 1
    // Odd, so that the second factor is never zero and the product keeps all of the first.
    second = seed.1 | 1
  }

  /// A random seed from the system's generator.
  static func randomSeed() -> (UInt64, UInt64) {
    var generator = SystemRandomNumberGenerator()
    return (generator.next(), generator.next())
  }

  /// The first round's factor for keys of one length class; taken out of the loop over a batch's keys.
  @inline(__always)
  func factor(_ lengthClass: LengthClass) -> UInt64 {
    // Multiplying by an odd constant (2^64 / golden ratio) spreads the class over the word.
    (second ^ (UInt64(lengthClass.rawValue) &* 0x9e37_79b9_7f4a_7c15)) | 1
  }

  /// Set in the hash of a key that goes on in a bucket of its own when there is no room in its first one.
  static let hasSecond: UInt64 = 0x8000
  /// The half of such a hash that is the key's own, without that bit.
  static let ownHalf: UInt64 = 0xffff_7fff

  @inline(__always)
  func hash(high: UInt64, low: UInt64, factor: UInt64) -> UInt64 {
    Self.fold(Self.fold(high ^ first, low ^ factor), second) & ~Self.hasSecond
  }

  /// The hash of an IPv6 key longer than 64 bits; the factor is that of its class.
  @inline(__always)
  func longerHash(high: UInt64, low: UInt64, factor: UInt64) -> UInt64 {
    let upper = upperRound(high, self.factor(.ipv6Half))
    return Self.fold(upper, second) & ~0xffff_ffff | ownPart(upper, low, factor) & Self.ownHalf | Self.hasSecond
  }

  /// The first round.
  @inline(__always)
  func upperRound(_ high: UInt64, _ factor: UInt64) -> UInt64 { Self.fold(high ^ first, factor) }

  /// The second round of a key longer than 64 bits: under the factor of its length, so that prefixes of different length
  /// with the same bits differ.
  @inline(__always)
  func ownPart(_ upper: UInt64, _ low: UInt64, _ factor: UInt64) -> UInt64 { Self.fold(upper ^ low, factor) }

  @inline(__always)
  static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

/// What a prefix table is asked for by its writer: a masked address with its length class.
struct TableKey: Hashable, Sendable, BitwiseCopyable {
  let high: UInt64
  let low: UInt64
  let lengthClass: LengthClass

  init(high: UInt64, low: UInt64, lengthClass: LengthClass) {
    self.high = high
    self.low = low
    self.lengthClass = lengthClass
  }

  init(_ prefix: Prefix) {
    self.init(high: prefix.address.high, low: prefix.address.low, lengthClass: LengthClass(prefix))
  }

  /// The key of the prefix of this class that an address lies in.
  init(covering address: IPAddress, lengthClass: LengthClass) {
    let mask = lengthClass.mask
    self.init(high: address.high & mask.high, low: address.low & mask.low, lengthClass: lengthClass)
  }

  var prefix: Prefix {
    let address =
      lengthClass.family == .ipv6
      ? IPAddress(ipv6High: high, low: low) : IPAddress(ipv4: UInt32(truncatingIfNeeded: low))
    return Prefix(covering: address, length: lengthClass.length)
  }

  func hash(_ keyed: KeyHash) -> UInt64 {
    let factor = keyed.factor(lengthClass)
    return lengthClass.isLonger
      ? keyed.longerHash(high: high, low: low, factor: factor) : keyed.hash(high: high, low: low, factor: factor)
  }
}
