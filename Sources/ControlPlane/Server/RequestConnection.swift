import ControlProtocol
import NIOCore

/// One client, as both loops know it.
struct RequestConnection: Sendable {
  let id: UInt64
  let channel: any Channel
  let access: HelloReply.Access

  /// Sends one frame. The future says when the socket has taken it.
  @discardableResult
  func send(
    _ reply: Reply, to frame: IncomingFrame, more: Bool = false, isLast: Bool = true,
    passing area: StatisticsArea? = nil
  ) -> EventLoopFuture<Void> {
    var bytes: [UInt8] = []
    reply.encode(type: frame.type, requestID: frame.requestID, more: more, into: &bytes)
    return channel.writeAndFlush(
      ReplyEnvelope(
        bytes: bytes, finishes: isLast ? frame.octets : nil, closes: isLast && frame.endsStream,
        passes: area))
  }
}
