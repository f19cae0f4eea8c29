import NIOCore

/// The way out of one connection. Confined to its loop; no write is dropped.
///
/// What the socket takes at once goes there directly: the channel's queue of writes was a third of the time that the daemon
/// worked at a single update. The rest goes through the channel, which writes when there is room again.
final class ReplyWriter {
  private struct Message {
    var octets: [UInt8]
    /// Its descriptor goes with the first octet.
    let area: StatisticsArea?
    /// Called when the socket has taken the message (true), or never will.
    let taken: (Bool) -> Void
  }

  /// How long a full socket is left alone before a descriptor is tried again: the channel cannot say when it has room.
  private static let retryPeriod = TimeAmount.milliseconds(5)

  /// Nil before the connection begins and after its end.
  private var context: ChannelHandlerContext?
  private var socket: Int32 = -1
  private var waiting = CircularBuffer<Message>()
  /// Writes of the channel that the socket has not taken: nothing may go past them.
  private var unwritten = 0
  private var isDraining = false
  private var isRetrying = false

  /// - Throws: the channel is no socket.
  func open(_ context: ChannelHandlerContext) throws {
    // The socket is the channel's, and used only while that is active, which it is until the socket is closed.
    let socket = try context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
      $0
    }
    guard let socket else { throw ChannelError.operationUnsupported }
    self.socket = socket
    self.context = context
  }

  func close() {
    context = nil
    drain()
  }

  /// Sends the octets after those of earlier calls.
  func send(_ octets: [UInt8], passing area: StatisticsArea? = nil, taken: @escaping (Bool) -> Void) {
    waiting.append(Message(octets: octets, area: area, taken: taken))
    drain()
  }

  private func drain() {
    // `taken` may send more, which the loop below comes to.
    guard !isDraining else { return }
    isDraining = true
    defer { isDraining = false }
    while let message = waiting.first {
      guard let context, context.channel.isActive else {
        waiting.removeFirst()
        message.taken(false)
        continue
      }
      if unwritten > 0 {
        guard message.area == nil else { return }
        queue(waiting.removeFirst(), context)
        continue
      }
      switch SocketMessage.send(message.octets, with: message.area?.descriptor, to: socket) {
      case .sent(message.octets.count):
        waiting.removeFirst()
        message.taken(true)
      case .sent(let count):
        waiting.removeFirst()
        queue(Message(octets: Array(message.octets[count...]), area: nil, taken: message.taken), context)
      case .full where message.area == nil: queue(waiting.removeFirst(), context)
      case .full: return retryLater(context)
      case .failed:
        waiting.removeFirst()
        message.taken(false)
        context.close(promise: nil)
      }
    }
  }

  private func retryLater(_ context: ChannelHandlerContext) {
    guard !isRetrying else { return }
    isRetrying = true
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.retryPeriod) {
      self.isRetrying = false
      self.drain()
    }
  }

  private func queue(_ message: Message, _ context: ChannelHandlerContext) {
    unwritten += 1
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { result in
      self.unwritten -= 1
      if case .success = result { message.taken(true) } else { message.taken(false) }
      self.drain()
    }
    context.writeAndFlush(NIOAny(ByteBuffer(bytes: message.octets)), promise: promise)
  }
}
