import ControlProtocol
import Logging
import NIOCore

/// A reply on its way out, with what follows from it.
struct ReplyEnvelope: Sendable {
  var bytes: [UInt8]
  /// The request's octets leave the connection's memory bound when this is written; nil for a reply that more follow.
  var finishes: Int?
  /// Nothing more can be said on this connection.
  var closes = false
}

/// The control loop's end of one connection: octets in, requests to the writer, replies out.
///
/// Back-pressure only: nothing is read while the connection's requests fill their bound, no write is dropped and no slow
/// peer is reset. A request counts until its reply has left for the socket.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ReplyEnvelope
  typealias OutboundOut = ByteBuffer

  static let maximumRequests = 64
  static let maximumOctets = 8 << 20

  private let connection: RequestConnection
  private let submit: (RequestConnection, IncomingFrame) -> Void
  private let disconnected: (RequestConnection) -> Void
  private var assembler: FrameAssembler
  private var requests = 0
  private var octets = 0
  private var hasGreeted = false
  private var inputEnded = false
  private var isClosing = false

  init(
    connection: RequestConnection, limits: Limits, submit: @escaping (RequestConnection, IncomingFrame) -> Void,
    disconnected: @escaping (RequestConnection) -> Void
  ) {
    self.connection = connection
    self.submit = submit
    self.disconnected = disconnected
    assembler = FrameAssembler(limits: limits)
  }

  func channelActive(context: ChannelHandlerContext) {
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    assembler.append(&bytes)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    advance(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    disconnected(connection)
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent {
      inputEnded = true
      advance(context)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let reply = unwrapOutboundIn(data)
    let written = promise ?? context.eventLoop.makePromise()
    let isolated = written.futureResult.assumeIsolated()
    isolated.whenComplete { _ in
      if reply.closes { context.close(promise: nil) }
      guard let finished = reply.finishes else { return }
      self.requests -= 1
      self.octets -= finished
      self.advance(context)
    }
    context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: reply.bytes)), promise: written)
  }

  /// Hands whole frames to the writer while there is room, then asks for more octets.
  private func advance(_ context: ChannelHandlerContext) {
    while !isClosing, hasRoom, let frame = assembler.next() { accept(frame) }
    if inputEnded {
      // A peer that has said all it wants still gets its replies.
      if requests == 0 { context.close(promise: nil) }
    } else if !isClosing && hasRoom {
      context.read()
    }
  }

  private var hasRoom: Bool { requests < Self.maximumRequests && octets < Self.maximumOctets }

  private func accept(_ frame: IncomingFrame) {
    requests += 1
    octets += frame.octets
    var endsStream = frame.endsStream
    if !hasGreeted {
      hasGreeted = frame.opensConversation
      endsStream = !hasGreeted
    }
    isClosing = endsStream
    submit(connection, hasGreeted ? frame : frame.refusedAsGreeting)
  }
}

extension IncomingFrame {
  /// A HELLO of this protocol's major version.
  fileprivate var opensConversation: Bool {
    if case .success(.hello(let hello)) = content { hello.major == Limits.majorVersion } else { false }
  }

  /// The first frame of a connection was no such HELLO: it is answered, and the connection ends.
  fileprivate var refusedAsGreeting: IncomingFrame {
    IncomingFrame(
      type: type, requestID: requestID, flags: flags, octets: octets, content: content, sum: sum, endsStream: true)
  }
}
