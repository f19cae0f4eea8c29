import ControlProtocol
import Testing

/// Reads EVENT frames from octets.
enum EventStream {
  static func decode(_ octets: [UInt8]) throws -> [EventReport] {
    var reports: [EventReport] = []
    var rest = octets[...]
    while !rest.isEmpty {
      let frame = Array(rest)
      // Safe, also below: octets have no padding, and the span ends with the expression.
      let header = try FrameHeader(decoding: unsafe frame.span.bytes, limits: .standard)
      let end = FrameHeader.size + Int(header.payloadLength)
      #expect(header.requestID == 77)
      let payload = unsafe frame.span.bytes.extracting(FrameHeader.size..<end)
      guard case .event(let report) = try Reply(header: header, payload: payload, limits: .standard) else {
        throw SocketClient.Failure(description: "not an event")
      }
      reports.append(report)
      rest = rest.dropFirst(end)
    }
    return reports
  }
}
