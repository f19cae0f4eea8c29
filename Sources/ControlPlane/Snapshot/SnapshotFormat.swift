import ControlProtocol
import Glibc

// A snapshot is a file of
// - a header of 64 octets, all numbers little-endian: 0–7 `FPSNAP` and two zeros, 8–11 version 1, 12–15 role (1 LMA, 2 MAG),
//   16–31 boot id of the daemon that wrote it, 32–39 nanoseconds of the wall clock when it was begun, 40–63 zero;
// - UPSERT frames as on the wire, the request id being the owner of their records, in the order of a dump;
// - one SYNC_END frame with the number of records in all of them;
// - 8 octets: CRC-32 of all octets before, then zeros.
// The records are those of the protocol, so that whatever reads a frame reads a snapshot.

/// What a snapshot says of itself.
package struct SnapshotHeader: Equatable, Sendable {
  static let size = 64
  static let trailerSize = 8
  /// `FPSNAP` and two zero octets, read as a number.
  private static let magic: UInt64 = 0x0000_5041_4e53_5046
  private static let version: UInt32 = 1

  package let role: HelloReply.Role
  package let bootHigh: UInt64
  package let bootLow: UInt64
  /// Nanoseconds since 1970, for the lifetimes that ran while nobody was there.
  package let time: UInt64

  package init(role: HelloReply.Role, boot: (high: UInt64, low: UInt64), time: UInt64) {
    self.role = role
    (bootHigh, bootLow) = boot
    self.time = time
  }

  /// Nil unless these 64 octets are a header of this version.
  init(_ octets: [UInt8]) throws(SnapshotError) {
    guard octets.count == Self.size else { throw .truncated(at: octets.count) }
    func number(_ offset: Int, _ size: Int) -> UInt64 {
      (0..<size).reduce(0) { $0 | UInt64(octets[offset + $1]) << UInt64(8 * $1) }
    }
    guard number(0, 8) == Self.magic else { throw .foreign("it does not begin as a snapshot") }
    guard number(8, 4) == UInt64(Self.version) else { throw .foreign("it has version \(number(8, 4)), not 1") }
    guard let role = HelloReply.Role(rawValue: UInt8(truncatingIfNeeded: number(12, 4))), number(13, 3) == 0,
      octets[40...].allSatisfy({ $0 == 0 })
    else { throw .damaged("its header is not one") }
    self.init(role: role, boot: (number(16, 8), number(24, 8)), time: number(32, 8))
  }

  var octets: [UInt8] {
    var octets: [UInt8] = []
    let words: [UInt64] = [
      Self.magic, UInt64(Self.version) | UInt64(role.rawValue) << 32, bootHigh, bootLow, time, 0, 0, 0,
    ]
    for word in words { octets.append(littleEndian: word) }
    return octets
  }
}

/// Why a file is no snapshot for this daemon.
package enum SnapshotError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  /// The path, and the reason as errno.
  case unwritable(String, Int32)
  /// It ends in the middle of something, at this octet.
  case truncated(at: Int)
  case damaged(String)
  /// Not a snapshot, or one of another version or role.
  case foreign(String)

  package var description: String {
    switch self {
    case .unreadable(let reason): "it cannot be read: \(reason)"
    // Safe: strerror returns a terminated string, copied before anything else runs.
    case .unwritable(let path, let code): "\(path): \(unsafe String(cString: strerror(code)))"
    case .truncated(let offset): "it ends at octet \(offset), in the middle of something"
    case .damaged(let reason): "it is damaged: \(reason)"
    case .foreign(let reason): "it is not for this daemon: \(reason)"
    }
  }
}

extension [UInt8] {
  mutating func append(littleEndian number: UInt64) {
    for shift in 0..<8 { append(UInt8(truncatingIfNeeded: number >> UInt64(8 * shift))) }
  }
}
