import ControlProtocol
import NIOCore

/// A client for which there is no place: told so in a HELLO reply, then let go.
final class RefusalHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func channelActive(context: ChannelHandlerContext) {
    let failure = Outcome.Failure(
      index: nil, code: .unavailable, field: "frame", rule: "\(limit) connections are open")
    var octets: [UInt8] = []
    Reply.failure(.unavailable, Outcome(firstFailure: failure)).encode(
      type: MessageType.hello.rawValue, requestID: 0, into: &octets)
    // A fresh socket has room for a hundred octets.
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: octets)), promise: nil)
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
