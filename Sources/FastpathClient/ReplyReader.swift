import ControlProtocol

/// One frame from the daemon.
public struct ReceivedReply: Sendable {
  /// The id of the request it answers; of an event, that of its SUBSCRIBE.
  public var requestID: UInt32
  public var reply: Reply
  /// STATUS and COUNTERS: another frame with this id follows.
  public var more: Bool
}

/// Cuts the octets from the daemon into replies. Total: any octets give replies, an error, or wait for more.
package struct ReplyReader {
  private var buffer: [UInt8] = []
  private var start = 0
  private let limits: Limits

  package init(limits: Limits = .standard) { self.limits = limits }

  /// Takes in what was received; at most a frame and what came with its end is ever held.
  package mutating func append(_ octets: some Sequence<UInt8>) { buffer.append(contentsOf: octets) }

  /// The next whole frame, or nil when its octets are not all there. After an error the stream cannot be followed.
  package mutating func next() throws(DecodeError) -> ReceivedReply? {
    guard buffer.count - start >= FrameHeader.size else { return nil }
    // Safe here and below: UInt8 has no padding, and no span outlives its statement.
    let header = try FrameHeader(decoding: unsafe buffer.span.extracting(start..<buffer.count).bytes, limits: limits)
    let end = start + FrameHeader.size + Int(header.payloadLength)
    guard buffer.count >= end else { return nil }
    let payload = start + FrameHeader.size..<end
    let reply = try Reply(header: header, payload: unsafe buffer.span.extracting(payload).bytes, limits: limits)
    start = end
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
      start = 0
    } else if start > 1 << 20 {
      buffer.removeFirst(start)
      start = 0
    }
    return ReceivedReply(requestID: header.requestID, reply: reply, more: header.flags.contains(.more))
  }
}
