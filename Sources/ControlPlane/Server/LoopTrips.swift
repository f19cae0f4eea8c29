import Glibc
import NIOCore
import NIOPosix

/// Runs pieces of long work one trip of the event loop apart: sockets and timers get their turn in between. Confined to the
/// loop.
///
/// Tasks cannot do that: SwiftNIO runs those that a task adds before it looks at its sockets again (2.101,
/// `SelectableEventLoop.runOneLoopTick`). So a trip is asked for by an octet in a pipe, which the loop reads as it reads the
/// clients' sockets.
final class LoopTrips {
  private let loop: any EventLoop
  /// Reads what it writes.
  private var channel: (any Channel)?
  private var waiting: [() -> Void] = []
  private var isAskedFor = false
  private var isEnded = false

  init(loop: any EventLoop) { self.loop = loop }

  /// Makes the pipe; before that nothing runs. It ends with the loop.
  func open() -> EventLoopFuture<Void> {
    var ends: (reading: CInt, writing: CInt) = (0, 0)
    // Safe: two adjacent integers of this frame, which is what pipe(2) fills.
    let status = unsafe withUnsafeMutableBytes(of: &ends) {
      unsafe Glibc.pipe($0.baseAddress!.assumingMemoryBound(to: CInt.self))
    }
    guard status == 0 else { return loop.makeFailedFuture(IOError(errnoCode: errno, reason: "pipe")) }
    let (reading, writing) = ends
    // A child of this process has no use for it.
    for end in [reading, writing] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptors(input: reading, output: writing)
      .assumeIsolated().flatMapThrowing { channel in
        try channel.pipeline.syncOperations.addHandler(TripHandler(self))
        self.channel = channel
        self.ask()
      }
      .nonisolated()
  }

  /// Runs `work` when the loop has looked at its sockets once more; what others asked for before runs before.
  func next(_ work: @escaping () -> Void) {
    guard !isEnded else { return loop.assumeIsolated().execute(work) }
    waiting.append(work)
    ask()
  }

  private func ask() {
    guard !isAskedFor, !waiting.isEmpty, let channel else { return }
    isAskedFor = true
    // Into an empty pipe. It fails when the loop is about to end, and nothing is to run then.
    channel.writeAndFlush(ByteBuffer(integer: UInt8(0)), promise: nil)
  }

  fileprivate func run() {
    isAskedFor = false
    let due = waiting
    waiting.removeAll()
    for work in due { work() }
  }

  /// The loop is about to end, and runs what is left as it does any task then.
  fileprivate func end() {
    isEnded = true
    channel = nil
    run()
  }
}

/// Hears of the octet.
private final class TripHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let trips: LoopTrips

  init(_ trips: LoopTrips) { self.trips = trips }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { trips.run() }

  func channelInactive(context: ChannelHandlerContext) { trips.end() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
