import ControlProtocol
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Set once the socket's group is known, before the first client is accepted.
private final class AuthorityBox: Sendable {
  private let stored = Mutex<WriteAuthority?>(nil)

  var value: WriteAuthority? {
    get { stored.withLock { $0 } }
    set { stored.withLock { $0 = newValue } }
  }
}

/// The Unix socket: accepts clients on a loop of its own and hands their requests to the writer's loop.
final class ControlServer: Sendable {
  /// Clients at a time; each may hold a few megabytes.
  private static let maximumConnections = 64

  private let socket: ControlSocket
  private let limits: Limits
  private let group: MultiThreadedEventLoopGroup
  private let submit: @Sendable (RequestConnection, IncomingFrame) -> Void
  private let disconnected: @Sendable (RequestConnection) -> Void
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var listener: (any Channel)?
    var connections: [UInt64: any Channel] = [:]
    var lastID: UInt64 = 0
  }

  /// - Parameters:
  ///   - submit: takes each request to the writer; called on the control loop.
  ///   - disconnected: the client is gone.
  init(
    socket: ControlSocket, limits: Limits, logger: Logger,
    submit: @escaping @Sendable (RequestConnection, IncomingFrame) -> Void,
    disconnected: @escaping @Sendable (RequestConnection) -> Void
  ) {
    self.socket = socket
    self.limits = limits
    self.submit = submit
    self.disconnected = disconnected
    self.logger = logger
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  }

  /// Makes the socket and begins to accept. Blocks for as long as the kernel takes; not for an event loop.
  func start() throws(ControlSocketError) {
    try socket.makeRoom(group: group)
    // The file must never be open to others, not even between bind and chmod.
    let mask = umask(0o117)
    defer { _ = umask(mask) }
    let authority = AuthorityBox()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      // Nobody is accepted before the socket's owner is settled; early clients wait in the backlog.
      .serverChannelOption(.autoRead, value: false)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in self.initialize(channel, authority.value) }
    let listener: any Channel
    do {
      listener = try bootstrap.bind(unixDomainSocketPath: socket.path).wait()
    } catch {
      throw ControlSocketError(path: socket.path, reason: "cannot be bound: \(error)")
    }
    do throws(ControlSocketError) {
      let group = try socket.secure()
      authority.value = WriteAuthority(user: geteuid(), group: group)
    } catch {
      listener.close(promise: nil)
      socket.remove()
      throw error
    }
    state.withLock { $0.listener = listener }
    listener.setOption(.autoRead, value: true).whenFailure { error in
      self.logger.error("control socket does not accept", metadata: ["reason": "\(error)"])
    }
    logger.info("control socket open", metadata: ["path": "\(socket.path)"])
  }

  /// Closes the socket and every connection, then removes the file.
  func stop() {
    let (listener, connections) = state.withLock { state in
      defer { state.listener = nil }
      return (state.listener, Array(state.connections.values))
    }
    guard let listener else { return shutDown() }
    try? listener.close().wait()
    for connection in connections { try? connection.close().wait() }
    socket.remove()
    shutDown()
  }

  private func shutDown() {
    do {
      try group.syncShutdownGracefully()
    } catch {
      logger.error("control loop did not end", metadata: ["reason": "\(error)"])
    }
  }

  private func initialize(_ channel: any Channel, _ authority: WriteAuthority?) -> EventLoopFuture<Void> {
    guard let authority, let id = register(channel) else {
      return channel.eventLoop.makeFailedFuture(ControlSocketError(path: socket.path, reason: "too many connections"))
    }
    channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
    return authority.access(of: channel).flatMapThrowing { access in
      let connection = RequestConnection(id: id, channel: channel, access: access)
      try channel.pipeline.syncOperations.addHandler(
        ConnectionHandler(
          connection: connection, limits: self.limits, submit: self.submit, disconnected: self.disconnected))
    }
  }

  private func register(_ channel: any Channel) -> UInt64? {
    state.withLock { state in
      guard state.connections.count < Self.maximumConnections else { return nil }
      state.lastID += 1
      state.connections[state.lastID] = channel
      return state.lastID
    }
  }
}
