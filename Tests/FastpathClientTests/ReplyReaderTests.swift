import ControlProtocol
import FastpathClient
import Testing

@Suite("Octets from the daemon")
struct ReplyReaderTests {
  /// A PING's reply, laid out by hand from docs/CONTROL_PROTOCOL.md.
  private static func ping(_ id: UInt8) -> [UInt8] {
    [1, 0, 0, 0, 9, 0, 0, 0x80, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, id]
  }

  @Test("Cut anywhere, the same replies come out")
  func cuts() throws {
    let stream = (1...5).flatMap { Self.ping($0) }
    for cut in 0...stream.count {
      var reader = ReplyReader()
      var ids: [UInt32] = []
      for piece in [stream[..<cut], stream[cut...]] {
        reader.append(piece)
        while let next = try reader.next() { ids.append(next.requestID) }
      }
      #expect(ids == [1, 2, 3, 4, 5])
    }
  }

  @Test("A header beyond the limits, and a request in place of a reply, are errors")
  func errors() {
    var long = Self.ping(1)
    long[3] = 0xff
    var request = Self.ping(1)
    request[7] = 0
    var unknown = Self.ping(1)
    unknown[4] = 99
    for octets in [long, request, unknown] {
      var reader = ReplyReader()
      reader.append(octets)
      #expect(throws: DecodeError.self) { try reader.next() }
    }
  }
}
