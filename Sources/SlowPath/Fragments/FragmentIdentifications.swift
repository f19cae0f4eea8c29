import FlowTable

/// The secret behind fragment identifications.
public struct FragmentSecret: Hashable, Sendable {
  public let first: UInt64
  public let second: UInt64

  public init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// A fresh one from the system's generator.
  public static func random() -> FragmentSecret {
    var generator = SystemRandomNumberGenerator()
    return FragmentSecret(first: generator.next(), second: generator.next())
  }
}

/// Identifications that are unique for each pair of addresses and that nobody can foretell (RFC 7739).
///
/// A counter goes through a keyed permutation of 32-bit numbers that is another one for each pair of addresses. Being a
/// permutation, it repeats none before 2^32 packets, which random numbers would do after some ten thousand; and whoever
/// sees the identifications of one pair learns nothing of the next one, of another pair's, or of how many packets there
/// were, as with counters (RFC 7739 section 3).
struct FragmentIdentifications: Sendable {
  private let secret: FragmentSecret
  private var counter: UInt32

  init(secret: FragmentSecret) {
    self.secret = secret
    counter = 0
  }

  mutating func next(source: IPAddress, destination: IPAddress) -> UInt32 {
    // Wrapping: after 2^32 packets the sequence starts again.
    counter &+= 1
    return permute(counter, subkey(source, destination))
  }

  /// A key for this pair of addresses alone.
  private func subkey(_ source: IPAddress, _ destination: IPAddress) -> (UInt64, UInt64) {
    var hash = SipHash(key: (secret.first, secret.second))
    for word in [source.high, source.low, destination.high, destination.low] { hash.add(word) }
    var other = hash
    hash.add(0)
    other.add(1)
    return (hash.value(), other.value())
  }

  /// A Feistel network over two halves of 16 bits: a permutation whatever its round function is. Eight rounds, twice the
  /// four that are indistinguishable from random in Luby and Rackoff's proof, because the halves are short.
  private func permute(_ value: UInt32, _ key: (UInt64, UInt64)) -> UInt32 {
    var left = UInt16(truncatingIfNeeded: value >> 16)
    var right = UInt16(truncatingIfNeeded: value)
    for round in 0..<8 as Range<UInt64> {
      var hash = SipHash(key: key)
      hash.add(round << 16 | UInt64(right))
      (left, right) = (right, left ^ UInt16(truncatingIfNeeded: hash.value()))
    }
    return UInt32(left) << 16 | UInt32(right)
  }
}
