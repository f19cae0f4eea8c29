/// Family and prefix length as one number: 0…128 is IPv6, 129 + length is IPv4. Part of every key of a prefix table, so
/// that prefixes of different length, or of different family, never meet.
@frozen
@usableFromInline
struct LengthClass: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline let rawValue: UInt8

  @inlinable
  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// One more than the largest class, 129 + 32.
  static let count = 162
  /// The class of the unused entry 0: equal to no key's.
  @usableFromInline static let none = LengthClass(rawValue: 255)
  static let firstIPv4 = 129
  /// The upper half of an IPv6 address: nearly all home network prefixes.
  static let ipv6Half = LengthClass(rawValue: 64)

  init(_ prefix: Prefix) {
    self.init(rawValue: UInt8(prefix.family == .ipv6 ? Int(prefix.length) : Self.firstIPv4 + Int(prefix.length)))
  }

  @inlinable
  var family: AddressFamily { rawValue < 129 ? .ipv6 : .ipv4 }

  @inlinable
  var length: Int { rawValue < 129 ? Int(rawValue) : Int(rawValue) - 129 }

  /// How many leading bits of the 128-bit form count: IPv4's mapped form has 96 more.
  @inlinable
  var bits: Int { rawValue < 129 ? Int(rawValue) : Int(rawValue) - 33 }

  /// Whether these are IPv6 prefixes of more than 64 bits.
  var isLonger: Bool { rawValue > 64 && rawValue < 129 }

  @inlinable
  var mask: (high: UInt64, low: UInt64) { (UInt64.leadingOnes(bits), UInt64.leadingOnes(bits - 64)) }
}

/// The length classes that a table has entries of: three words, one bit for each class.
@usableFromInline
struct LengthSet: Sendable, BitwiseCopyable, Equatable {
  var words: (UInt64, UInt64, UInt64)

  @usableFromInline
  static func == (left: LengthSet, right: LengthSet) -> Bool { left.words == right.words }

  var isEmpty: Bool { words.0 | words.1 | words.2 == 0 }

  /// The classes of one family only.
  func restricted(to family: AddressFamily) -> LengthSet {
    // Bits 0…128 are IPv6: two whole words and the lowest bit of the third.
    family == .ipv6 ? LengthSet(words: (words.0, words.1, words.2 & 1)) : LengthSet(words: (0, 0, words.2 & ~1))
  }

  /// The classes of one family whose length is at most `length`, which is below 63.
  func upTo(_ length: Int, _ family: AddressFamily) -> LengthSet {
    let lengths = (UInt64(1) << UInt64(length + 1)) - 1
    // IPv4's classes begin at bit 1 of the third word.
    return family == .ipv6
      ? LengthSet(words: (words.0 & lengths, 0, 0)) : LengthSet(words: (0, 0, words.2 & (lengths << 1)))
  }

  /// The class of the family's default route if it is the only one, else nil. Meant for the classes of one family.
  func onlyDefault(_ family: AddressFamily) -> LengthClass? {
    let isAlone = family == .ipv6 ? words == (1, 0, 0) : words == (0, 0, 2)
    return isAlone ? LengthClass(rawValue: family == .ipv6 ? 0 : UInt8(LengthClass.firstIPv4)) : nil
  }

  /// Takes out /64 if it is the longest of IPv6's lengths; says whether it was.
  mutating func removeHalf() -> Bool {
    guard words.2 == 0 && words.1 == 1 else { return false }
    words.1 = 0
    return true
  }

  /// Takes out the longest length and returns it; nil when none is left. Meant for the classes of one family.
  mutating func removeLongest() -> LengthClass? {
    if words.2 != 0 { return LengthClass(rawValue: 128 + Self.takeHighest(&words.2)) }
    if words.1 != 0 { return LengthClass(rawValue: 64 + Self.takeHighest(&words.1)) }
    if words.0 != 0 { return LengthClass(rawValue: Self.takeHighest(&words.0)) }
    return nil
  }

  private static func takeHighest(_ word: inout UInt64) -> UInt8 {
    let bit = 63 - word.leadingZeroBitCount
    word &= ~(1 << UInt64(bit))
    return UInt8(truncatingIfNeeded: bit)
  }
}
