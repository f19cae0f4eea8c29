/// The CRC-32 of IEEE 802.3, as zlib and Ethernet compute it: what TXN_COMMIT, the digests of HELLO and the snapshot carry.
///
/// Eight octets a step over eight tables, about 2 GB/s: zlib itself would tie this module, which imports the standard
/// library alone, to a C library for these lines.
public struct CRC32: Hashable, Sendable, BitwiseCopyable {
  /// 0x04C11DB7 with the bits of each octet reversed, which is the order they are sent in.
  private static let polynomial: UInt32 = 0xedb8_8320

  /// `tables[256 * n + octet]`: the remainder of the octet followed by n zero octets.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for octet in 0..<256 {
      var remainder = UInt32(octet)
      for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ polynomial : remainder >> 1 }
      tables[octet] = remainder
    }
    for index in 256..<tables.count {
      let shorter = tables[index - 256]
      tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xff)]
    }
    return tables
  }()

  private var remainder = UInt32.max

  public init() {}

  /// Of the octets so far; 0 for none.
  public var value: UInt32 { ~remainder }

  /// Adds `octets` behind those before.
  public mutating func add(_ octets: RawSpan) {
    let table = Self.tables
    let tables = table.span
    var remainder = remainder
    var offset = 0
    while offset + 8 <= octets.byteCount {
      remainder = Self.step(octets.uint64(at: offset) ^ UInt64(remainder), tables)
      offset += 8
    }
    while offset < octets.byteCount {
      remainder = remainder >> 8 ^ tables[Int((remainder ^ UInt32(octets.uint8(at: offset))) & 0xff)]
      offset += 1
    }
    self.remainder = remainder
  }

  /// Adds two words of eight octets each, the first octet lowest.
  mutating func add(words first: UInt64, _ second: UInt64) {
    let table = Self.tables
    let tables = table.span
    remainder = Self.step(first ^ UInt64(remainder), tables)
    remainder = Self.step(second ^ UInt64(remainder), tables)
  }

  @inline(__always)
  private static func step(_ word: UInt64, _ tables: Span<UInt32>) -> UInt32 {
    var remainder: UInt32 = 0
    for position in 0..<8 {
      remainder ^= tables[(7 - position) << 8 | Int(word >> UInt64(8 * position) & 0xff)]
    }
    return remainder
  }

  public mutating func add(_ octets: [UInt8]) {
    // Safe: UInt8 has no padding, and the span is not kept.
    add(unsafe octets.span.bytes)
  }

  /// Adds octets whose CRC is known, without seeing them: CRC is linear, so zeros are pushed through for each of them.
  /// - Parameter count: how many octets `other` is of.
  public mutating func add(_ other: CRC32, octets count: Int) {
    var power = Self.octet
    var left = count
    // The initial value of `other` is taken away again: it stands before its octets, where ours are.
    var product = ~remainder
    while left > 0 {
      if left & 1 == 1 { product = Self.multiply(power, product) }
      power = Self.multiply(power, power)
      left >>= 1
    }
    remainder = ~(product ^ other.value)
  }

  /// x to the 8th modulo the polynomial: what one zero octet does.
  private static let octet: UInt32 = 1 << 23

  /// The product of two polynomials modulo the CRC's; the highest bit is the coefficient of 1.
  private static func multiply(_ left: UInt32, _ right: UInt32) -> UInt32 {
    var product: UInt32 = 0
    var right = right
    for bit in (0..<32).reversed() {
      if left >> UInt32(bit) & 1 == 1 { product ^= right }
      right = right & 1 == 1 ? right >> 1 ^ polynomial : right >> 1
    }
    return product
  }
}
