import FlowTable

/// The IPv4 header (RFC 791), read and changed in place with its checksum kept right.
enum IPv4Header {
  static let minimumLength = 20
  static let protocolTCP: UInt8 = 6
  static let protocolUDP: UInt8 = 17

  @inline(__always)
  static func source(_ frame: FrameView, _ offset: Int) -> IPAddress { IPAddress(ipv4: frame.word32(offset + 12)) }

  @inline(__always)
  static func destination(_ frame: FrameView, _ offset: Int) -> IPAddress { IPAddress(ipv4: frame.word32(offset + 16)) }

  @inline(__always)
  static func headerLength(_ frame: FrameView, _ offset: Int) -> Int { Int(frame.octet(offset) & 0x0f) * 4 }

  @inline(__always)
  static func timeToLive(_ frame: FrameView, _ offset: Int) -> UInt8 { frame.octet(offset + 8) }

  @inline(__always)
  static func typeOfService(_ frame: FrameView, _ offset: Int) -> UInt8 { frame.octet(offset + 1) }

  /// More-fragments bit or a fragment offset: the packet is part of a larger one.
  @inline(__always)
  static func isFragment(_ frame: FrameView, _ offset: Int) -> Bool { frame.word16(offset + 6) & 0x3fff != 0 }

  /// The caller has checked that the TTL is above 1, so this cannot wrap.
  @inline(__always)
  static func decrementTimeToLive(_ frame: FrameView, _ offset: Int) {
    let old = frame.word16(offset + 8)
    // 0x0100 is one in the TTL octet, the upper one of its 16-bit word.
    replace(frame, offset, word: offset + 8, old: old, new: old &- 0x0100)
  }

  @inline(__always)
  static func setTypeOfService(_ frame: FrameView, _ offset: Int, _ value: UInt8) {
    let old = frame.word16(offset)
    replace(frame, offset, word: offset, old: old, new: (old & 0xff00) | UInt16(value))
  }

  /// Stores `new` at `word` and updates the checksum by RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
  @inline(__always)
  private static func replace(_ frame: FrameView, _ offset: Int, word: Int, old: UInt16, new: UInt16) {
    frame.setWord16(word, new)
    let sum = UInt32(~frame.word16(offset + 10)) + UInt32(~old) + UInt32(new)
    frame.setWord16(offset + 10, ~InternetChecksum.fold(sum))
  }

  /// Whether the header's checksum is right (RFC 791): the one's complement sum over it is all ones.
  ///
  /// `headerLength` is a multiple of 4 between 20 and 60, proven by the caller.
  @inline(__always)
  static func isChecksumValid(_ frame: FrameView, _ offset: Int, headerLength: Int) -> Bool {
    // At most fifteen 32-bit words: the 64-bit sum cannot overflow.
    var sum: UInt64 = 0
    var position = offset
    while position < offset + headerLength {
      sum &+= UInt64(frame.word32(position))
      position += 4
    }
    // Two folds of 64 to 32 bits bring at most 36 significant bits to 32, then 16-bit folding as usual.
    let folded = (sum & 0xffff_ffff) &+ (sum >> 32)
    let half = UInt32(truncatingIfNeeded: (folded & 0xffff) &+ (folded >> 16 & 0xffff) &+ (folded >> 32))
    return InternetChecksum.fold(half) == 0xffff
  }
}

/// One's complement arithmetic of RFC 1071.
enum InternetChecksum {
  /// Folds a sum of at most 65,536 16-bit words into 16 bits; two rounds suffice, since the first leaves at most 0x1fffe.
  @inline(__always)
  static func fold(_ sum: UInt32) -> UInt16 {
    let once = (sum & 0xffff) &+ (sum >> 16)
    return UInt16(truncatingIfNeeded: (once & 0xffff) &+ (once >> 16))
  }
}
