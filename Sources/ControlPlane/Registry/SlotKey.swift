import FlowTable

/// What leads to a slot: equality, and a hash under a secret of this process, so that nobody can aim at a probe sequence.
protocol SlotKey: Equatable {
  func hash(_ secret: SlotSecret) -> UInt64
}

/// A value that lives in a slot and carries the key that leads there.
protocol SlotEntry {
  associatedtype Key: SlotKey
  var slotKey: Key { get }
}

/// Two random words, and the forwarding table's way of hashing with them: multiply, and fold the product's halves.
///
/// The standard library's hasher takes 20 ns for a binding's key, which was a tenth of the time of a bulk load.
struct SlotSecret: Sendable {
  private let first: UInt64
  private let second: UInt64

  init() {
    var generator = SystemRandomNumberGenerator()
    // Odd, so that no key whose first word is zero makes the first product zero.
    first = generator.next() | 1
    // Odd, so that the factor is never zero and the product keeps all of the other word.
    second = generator.next() | 1
  }

  @inline(__always)
  func hash(_ words: (UInt64, UInt64, UInt64)) -> UInt64 {
    // Multiplying by an odd constant (2^64 / golden ratio) spreads the third word, a small number, over the factor.
    let factor = (second ^ (words.2 &* 0x9e37_79b9_7f4a_7c15)) | 1
    return Self.fold(Self.fold(words.0 ^ first, words.1 ^ factor), second)
  }

  @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}

extension PackedKey: SlotKey {
  @inline(__always)
  func hash(_ secret: SlotSecret) -> UInt64 { secret.hash((high, low, UInt64(tag))) }
}

extension IPAddress: SlotKey {
  func hash(_ secret: SlotSecret) -> UInt64 { secret.hash((high, low, UInt64(family.rawValue))) }
}

extension TunnelEndpoints: SlotKey {
  @inline(__always)
  func hash(_ secret: SlotSecret) -> UInt64 {
    secret.hash((remote.high, remote.low, secret.hash((local.high, local.low, UInt64(local.family.rawValue)))))
  }
}

extension Prefix: SlotKey {
  func hash(_ secret: SlotSecret) -> UInt64 {
    secret.hash((address.high, address.low, UInt64(family.rawValue) << 8 | UInt64(length)))
  }
}

extension RouteKey: SlotKey {
  func hash(_ secret: SlotSecret) -> UInt64 { secret.hash((from.hash(secret), to.hash(secret), 0)) }
}
