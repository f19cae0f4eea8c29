import ControlProtocol
import Testing

@Suite("Golden frames")
struct GoldenTests {
  @Test("A request's octets are the golden ones, and mean the same", arguments: GoldenFrame.requests)
  func request(name: String) throws {
    let golden = try GoldenFrame(name)
    let (request, id, flags) = try #require(GoldenModel.requests[name])
    var octets: [UInt8] = []
    request.encode(requestID: id, flags: flags, into: &octets)
    #expect(octets == golden.octets)
    #expect(try Decode.request(golden.octets) == request)
    let header = try Decode.header(golden.octets)
    #expect(header.requestID == id)
    #expect(header.flags == flags)
    #expect(header.type == request.type.rawValue)
  }

  @Test("A reply's octets are the golden ones, and mean the same", arguments: GoldenFrame.replies)
  func reply(name: String) throws {
    let golden = try GoldenFrame(name)
    let (reply, type, id, more) = try #require(GoldenModel.replies[name])
    var octets: [UInt8] = []
    reply.encode(type: type, requestID: id, more: more, into: &octets)
    #expect(octets == golden.octets)
    #expect(try Decode.reply(golden.octets) == reply)
    #expect(try Decode.header(golden.octets).flags.contains(.more) == more)
  }

  @Test("Stable numbers stay what they are")
  func numbers() {
    #expect(MessageType.allCases.map(\.rawValue) == Array(1...17))
    #expect(StatusCode.allCases.map(\.rawValue) == Array(0...13))
    #expect(TableNumber.allCases.map(\.recordSize) == [192, 64, 80, 48, 32])
    #expect(PeerRecord.State.allCases.map(\.rawValue) == [1, 2])
    #expect(BindingRecord.State.allCases.map(\.rawValue) == Array(0...6))
  }
}
