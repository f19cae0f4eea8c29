import ControlProtocol
import Glibc
import Logging
import NIOCore
import NIOPosix

/// A reply on its way out, with what follows from it.
struct ReplyEnvelope: Sendable {
  var bytes: [UInt8]
  /// The request's octets leave the connection's memory bound when this is written; nil for a reply that more follow.
  var finishes: Int?
  /// Nothing more can be said on this connection.
  var closes = false
  /// Its descriptor goes with the first octet.
  var passes: StatisticsArea?
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
  static let maximumOctets = 1 << 20
  /// A frame of a bulk request, which takes a tenth of a millisecond to decode.
  private static let yieldingOctets = 1 << 16

  private let connection: RequestConnection
  private let submit: (RequestConnection, IncomingFrame) -> Void
  private let disconnected: (RequestConnection) -> Void
  private var assembler: FrameAssembler
  private var requests = 0
  private var octets = 0
  private var hasGreeted = false
  private var inputEnded = false
  private var isClosing = false
  /// Writes that the socket has not taken.
  private var unwritten = 0
  /// A reply with a descriptor that waits for the writes before it, and what comes behind it.
  private var held = CircularBuffer<(reply: ReplyEnvelope, promise: EventLoopPromise<Void>)>()

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
    // Replies that are still on their way fail after this, and none of them may let another frame in.
    isClosing = true
    disconnected(connection)
    while let (_, written) = held.popFirst() { written.fail(ChannelError.ioOnClosedChannel) }
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
    written.futureResult.assumeIsolated().whenComplete { _ in
      if reply.closes { context.close(promise: nil) }
      guard let finished = reply.finishes else { return }
      self.requests -= 1
      self.octets -= finished
      self.advance(context)
    }
    guard reply.passes != nil || !held.isEmpty else { return put(reply.bytes, written, context) }
    held.append((reply, written))
    sendHeld(context)
  }

  private func put(_ bytes: [UInt8], _ written: EventLoopPromise<Void>, _ context: ChannelHandlerContext) {
    unwritten += 1
    written.futureResult.assumeIsolated().whenComplete { _ in
      self.unwritten -= 1
      self.sendHeld(context)
    }
    context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: written)
  }

  /// Ancillary data goes past the channel's own writes, so it waits until there are none.
  private func sendHeld(_ context: ChannelHandlerContext) {
    while let (reply, written) = held.first {
      var bytes = reply.bytes
      if let area = reply.passes {
        guard unwritten == 0 else { return }
        switch send(bytes, with: area.descriptor, context) {
        case .sent(let count): bytes.removeFirst(count)
        case .full:
          // The peer has not read what the socket holds; the channel cannot say when it has.
          context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(5)) { self.sendHeld(context) }
          return
        case .failed(let code):
          held.removeFirst()
          written.fail(IOError(errnoCode: code, reason: "sendmsg"))
          context.close(promise: nil)
          return
        }
      }
      held.removeFirst()
      put(bytes, written, context)
      context.flush()
    }
  }

  private func send(
    _ bytes: [UInt8], with descriptor: Int32, _ context: ChannelHandlerContext
  ) -> DescriptorMessage.Result {
    // The socket is the channel's and stays open during the call.
    let result = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      DescriptorMessage.send(bytes, with: descriptor, to: $0)
    }
    return result ?? .failed(EBADF)
  }

  /// Hands whole frames to the writer while there is room, then asks for more octets.
  private func advance(_ context: ChannelHandlerContext) {
    while !isClosing, hasRoom, let frame = assembler.next() {
      accept(frame)
      // As in the scheduler: the writer may wait for this CPU with somebody's single update.
      if frame.octets > Self.yieldingOctets { sched_yield() }
    }
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
