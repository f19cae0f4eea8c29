/// The reply to STATS; a descriptor of shared memory comes with its first octet (SCM_RIGHTS).
public struct StatisticsReply: Hashable, Sendable {
  /// Octets of the shared memory.
  public var size: UInt64
  /// Of its layout; `StatisticsLayout` is version 1.
  public var version: UInt32

  public init(size: UInt64, version: UInt32 = StatisticsLayout.version) {
    self.size = size
    self.version = version
  }
}

/// The shared memory of STATS: a header, a directory of names, the names, the values. All numbers little-endian.
public enum StatisticsLayout {
  public static let version: UInt32 = 1
  /// `FPSTATS` and a zero octet, read as a number.
  public static let magic: UInt64 = 0x0053_5441_5453_5046

  // The header, by octets; what is not named is zero.
  public static let headerSize = 64
  public static let magicOffset = 0
  public static let versionOffset = 8
  /// Bit 0: the names have changed since, and STATS gives newer memory.
  public static let flagsOffset = 12
  /// Odd while values are written; a reader takes a copy and looks again (seqlock).
  public static let sequenceOffset = 16
  /// Nanoseconds of the daemon's clock when the values were written last.
  public static let timeOffset = 24
  /// u64: where the directory begins.
  public static let directoryOffset = 32
  /// u64: entries of the directory.
  public static let countOffset = 40

  /// A directory entry: 0–3 offset of the name, 4–5 octets of the name, 6–7 reserved, 8–15 offset of the value (u64).
  public static let entrySize = 16
}

// Reply: 0–7 size, 8–11 version, 12–15 reserved.

extension StatisticsReply {
  init(payload: RawSpan) throws(DecodeError) {
    try payload.requireSize(16, "STATS reply")
    guard payload.isZero(12..<16) else { throw .reservedNotZero(field: "reserved") }
    size = payload.uint64(at: 0)
    version = payload.uint32(at: 8)
  }

  func encode(into buffer: inout [UInt8]) {
    buffer.append(uint64: size)
    buffer.append(uint32: version)
    buffer.append(uint32: 0)
  }
}
