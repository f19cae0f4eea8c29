// The only place of this module that touches raw memory. Every read states its own bounds check, so a decoder that
// forgot one stops here instead of reading past its bytes; decoders check sizes first and never get that far.

extension RawSpan {
  func uint8(at offset: Int) -> UInt8 {
    // Safe: unsafeLoadUnaligned preconditions on bounds, and every bit pattern is a UInt8.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  func uint16(at offset: Int) -> UInt16 {
    // Safe: as uint8.
    UInt16(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  func uint32(at offset: Int) -> UInt32 {
    // Safe: as uint8.
    UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  func uint64(at offset: Int) -> UInt64 {
    // Safe: as uint8.
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Eight octets in network order: the only form in which the protocol carries addresses, MACs and boot ids.
  func networkUInt64(at offset: Int) -> UInt64 { uint64(at: offset).byteSwapped }

  /// True when every octet of the range is zero.
  func isZero(_ range: Range<Int>) -> Bool {
    var offset = range.lowerBound
    while offset + 8 <= range.upperBound {
      if uint64(at: offset) != 0 { return false }
      offset += 8
    }
    while offset < range.upperBound {
      if uint8(at: offset) != 0 { return false }
      offset += 1
    }
    return true
  }

  /// UTF-8 text of exactly this range; nil when it is not valid UTF-8.
  func text(_ range: Range<Int>) -> String? {
    // Safe: the buffer is used only inside the closure, and `extracting` preconditions on bounds.
    unsafe extracting(range).withUnsafeBytes { bytes in
      unsafe String(validating: bytes, as: UTF8.self)
    }
  }

  /// UTF-8 text padded with zeros to the range; nil when it is not UTF-8 or something follows the first zero.
  func paddedText(_ range: Range<Int>) -> String? {
    var end = range.lowerBound
    while end < range.upperBound, uint8(at: end) != 0 { end += 1 }
    guard isZero(end..<range.upperBound) else { return nil }
    return text(range.lowerBound..<end)
  }
}

extension [UInt8] {
  mutating func append(uint16 value: UInt16) {
    append(UInt8(truncatingIfNeeded: value))
    append(UInt8(truncatingIfNeeded: value >> 8))
  }

  mutating func append(uint32 value: UInt32) { append(integer: value.littleEndian) }
  mutating func append(uint64 value: UInt64) { append(integer: value.littleEndian) }
  mutating func append(networkUInt64 value: UInt64) { append(integer: value.bigEndian) }

  private mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(integer value: Value) {
    // Safe: the buffer covers the integer's own bytes and does not leave the closure.
    unsafe Swift.withUnsafeBytes(of: value) { bytes in
      unsafe append(contentsOf: bytes)
    }
  }

  /// Appends the words as they are in memory.
  mutating func append(words: InlineArray<8, UInt64>) {
    // Safe: UInt64 has no padding, and the buffer does not leave the closure.
    unsafe words.span.withUnsafeBytes { bytes in unsafe append(contentsOf: bytes) }
  }

  mutating func append(zeros count: Int) {
    var left = count
    // By words: an Array appends a repeated element octet by octet.
    while left >= 8 {
      append(uint64: 0)
      left -= 8
    }
    for _ in 0..<left { append(0) }
  }

  mutating func append(address: WireAddress) {
    let words = address.wireWords
    append(integer: words.0)
    append(integer: words.1)
  }

  /// Appends text zero-padded to `width`; longer text is cut at `width` (validated records never are).
  mutating func append(text: String, paddedTo width: Int) {
    let count = Swift.min(text.utf8.count, width)
    // Safe: the buffer is the text's own octets, at least `count` of them, and does not leave the closure.
    let isCopied: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { octets in
      unsafe append(contentsOf: octets[..<count])
    }
    if isCopied == nil { append(contentsOf: text.utf8.prefix(count)) }
    append(zeros: width - count)
  }
}

extension [UInt8] {
  mutating func append(octets bytes: RawSpan, _ range: Range<Int>) {
    // Safe: the buffer is used only inside the closure, and `extracting` preconditions on bounds.
    unsafe bytes.extracting(range).withUnsafeBytes { octets in
      unsafe append(contentsOf: octets)
    }
  }

  /// Overwrites four octets, for a length known only after what it counts was written.
  mutating func replace(uint32 value: UInt32, at offset: Int) {
    for shift in 0..<4 { self[offset + shift] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(shift))) }
  }
}

extension WireAddress {
  /// The 16 octets of the wire as they are in memory.
  var wireWords: (UInt64, UInt64) {
    switch family {
    case .ipv6: (high.bigEndian, low.bigEndian)
    case .ipv4: ((UInt64(ipv4Value) << 32).bigEndian, 0)
    }
  }
}
