import ControlProtocol
import NIOCore

/// One connection: octets in, requests to the scheduler, replies out. Confined to the loop.
///
/// Back-pressure only: nothing is read while the connection's requests fill their bound, no write is dropped and no slow
/// peer is reset. A request counts until its reply has left for the socket.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  /// Takes a request, and whether to execute it before it returns.
  typealias Submit = (ConnectionHandler, IncomingFrame, _ atOnce: Bool) -> Void

  static let maximumRequests = 64
  /// A tenth of a millisecond's decoding: nobody executes what is decoded ahead, and others wait for it.
  static let maximumOctets = 1 << 16
  /// Requests that come within this time of the first are executed as they are decoded, later ones in turn.
  private static let timeAtOnce = TimeAmount.microseconds(100)

  let id: UInt64
  let access: HelloReply.Access
  private let submit: Submit
  private let disconnected: (ConnectionHandler) -> Void
  private let writer = ReplyWriter()
  private var assembler: FrameAssembler
  /// Nil after the connection's end.
  private var context: ChannelHandlerContext?
  private var requests = 0
  private var octets = 0
  private var hasGreeted = false
  private var inputEnded = false
  private var isClosing = false
  private var isAdvancing = false

  init(
    id: UInt64, access: HelloReply.Access, limits: Limits, submit: @escaping Submit,
    disconnected: @escaping (ConnectionHandler) -> Void
  ) {
    self.id = id
    self.access = access
    self.submit = submit
    self.disconnected = disconnected
    assembler = FrameAssembler(limits: limits)
  }

  func channelActive(context: ChannelHandlerContext) {
    do {
      try writer.open(context)
    } catch {
      return context.close(promise: nil)
    }
    self.context = context
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    assembler.append(&bytes)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    advance(atOnce: true)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosing = true
    self.context = nil
    disconnected(self)
    writer.close()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent {
      inputEnded = true
      advance(atOnce: true)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Sends the reply that ends a request, with a descriptor if there is one to pass.
  func finish(_ frame: IncomingFrame, with reply: Reply, passing area: StatisticsArea? = nil) {
    writer.send(encoded(reply, to: frame, more: false), passing: area) { isTaken in
      self.requests -= 1
      self.octets -= frame.octets
      // Nobody is there any more, which the channel says after the writes that fail.
      if !isTaken { self.isClosing = true }
      if frame.endsStream { self.context?.close(promise: nil) }
      // Whoever has made the reply is not done yet: what comes in now waits for its turn.
      self.advance(atOnce: false)
    }
  }

  /// Sends a reply that others to the same request follow.
  /// - Parameter taken: when the socket has it, or never will.
  func send(_ reply: Reply, to frame: IncomingFrame, more: Bool, taken: @escaping () -> Void) {
    writer.send(encoded(reply, to: frame, more: more)) { _ in taken() }
  }

  /// Sends what no request of now asked for.
  /// - Parameter taken: when the socket has it (true), or never will.
  func send(_ octets: [UInt8], taken: @escaping (Bool) -> Void) {
    writer.send(octets, taken: taken)
  }

  private func encoded(_ reply: Reply, to frame: IncomingFrame, more: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    reply.encode(type: frame.type, requestID: frame.requestID, more: more, into: &bytes)
    return bytes
  }

  /// Has whole frames executed, at once or in turn, while there is room; then asks for more octets.
  private func advance(atOnce: Bool) {
    // A reply that the socket takes at once comes back here from within, and the loop below goes on anyway.
    guard !isAdvancing else { return }
    isAdvancing = true
    defer { isAdvancing = false }
    let end = NIODeadline.now() + Self.timeAtOnce
    while !isClosing, hasRoom, let frame = assembler.next() {
      accept(frame, atOnce: atOnce && NIODeadline.now() < end)
    }
    if inputEnded {
      // A peer that has said all it wants still gets its replies.
      if requests == 0 { context?.close(promise: nil) }
    } else if !isClosing && hasRoom {
      context?.read()
    }
  }

  private var hasRoom: Bool { requests < Self.maximumRequests && octets < Self.maximumOctets }

  private func accept(_ frame: IncomingFrame, atOnce: Bool) {
    requests += 1
    octets += frame.octets
    var endsStream = frame.endsStream
    if !hasGreeted {
      hasGreeted = frame.opensConversation
      endsStream = !hasGreeted
    }
    isClosing = endsStream
    submit(self, hasGreeted ? frame : frame.refusedAsGreeting, atOnce)
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
