import ControlProtocol
import Foundation

/// Reads a snapshot: first the whole file for its checksum and every record of it, then again for what it says, so that a
/// damaged one is refused before anything of it is used.
package struct SnapshotReader {
  package let header: SnapshotHeader
  /// Records in the file.
  package let count: UInt64
  private let path: String

  /// Checks the whole file.
  /// - Parameter role: of this daemon; the tables of the other one mean something else.
  package init(path: String, role: HelloReply.Role) throws(SnapshotError) {
    self.path = path
    var found: UInt64 = 0
    let (header, count) = try Self.scan(path, role) { _, records in found += UInt64(records.count) }
    guard found == count else { throw .damaged("it has \(found) records and says \(count)") }
    self.header = header
    self.count = count
  }

  /// All records, as their owners said them, in an order that may be applied.
  package func read(_ body: (_ owner: UInt32, [TableRecord]) -> Void) throws(SnapshotError) {
    _ = try Self.scan(path, header.role, body)
  }

  private static func scan(
    _ path: String, _ role: HelloReply.Role, _ body: (UInt32, [TableRecord]) -> Void
  ) throws(SnapshotError) -> (SnapshotHeader, count: UInt64) {
    var stream = try SnapshotStream(path)
    let header = try SnapshotHeader(try stream.take(SnapshotHeader.size))
    guard header.role == role else { throw .foreign("it is the other role's") }
    while true {
      let (owner, request) = try stream.nextRequest()
      switch request {
      case .upsert(let upsert): body(owner, upsert.records)
      case .syncEnd(let end):
        try stream.checkEnd()
        return (header, end.count)
      default: throw .damaged("it has a message of type \(request.type.name)")
      }
    }
  }
}

/// The octets of a snapshot in order, and the checksum of those taken.
private struct SnapshotStream {
  private let file: FileHandle
  private var checksum = CRC32()
  private var offset = 0

  init(_ path: String) throws(SnapshotError) {
    do {
      file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    } catch {
      throw .unreadable(error.localizedDescription)
    }
  }

  /// The next octets, exactly as many.
  mutating func take(_ count: Int) throws(SnapshotError) -> [UInt8] {
    let octets = try read(count)
    guard octets.count == count else { throw .truncated(at: offset) }
    checksum.add(octets)
    return octets
  }

  private mutating func read(_ count: Int) throws(SnapshotError) -> [UInt8] {
    guard count > 0 else { return [] }
    do {
      let octets = [UInt8](try file.read(upToCount: count) ?? Data())
      offset += octets.count
      return octets
    } catch {
      throw .unreadable(error.localizedDescription)
    }
  }

  mutating func nextRequest() throws(SnapshotError) -> (owner: UInt32, Request) {
    let start = offset
    let header = try frameHeader(at: start)
    let payload = try take(Int(header.payloadLength))
    do throws(DecodeError) {
      // Safe: octets have no padding, and the span ends with the expression.
      return (header.requestID, try Request(header: header, payload: unsafe payload.span.bytes, limits: .standard))
    } catch {
      throw .damaged("at octet \(start): \(error)")
    }
  }

  private mutating func frameHeader(at start: Int) throws(SnapshotError) -> FrameHeader {
    let octets = try take(FrameHeader.size)
    do throws(DecodeError) {
      // Safe: as above.
      return try FrameHeader(decoding: unsafe octets.span.bytes, limits: .standard)
    } catch {
      throw .damaged("at octet \(start): \(error)")
    }
  }

  /// The checksum, and nothing behind it.
  mutating func checkEnd() throws(SnapshotError) {
    let expected = checksum.value
    let trailer = try take(SnapshotHeader.trailerSize)
    var wanted: [UInt8] = []
    wanted.append(littleEndian: UInt64(expected))
    guard trailer == wanted else { throw .damaged("its checksum is not that of its octets") }
    guard try read(1).isEmpty else { throw .damaged("something follows its end") }
  }
}
