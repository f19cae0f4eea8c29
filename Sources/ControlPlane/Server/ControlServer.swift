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

/// What the control server listens on.
enum ListenerSource: Sendable {
  /// Made at the start and removed at the end.
  case file(ControlSocket)
  /// The service manager's.
  case inherited(InheritedSocket)

  var path: String {
    switch self {
    case .file(let socket): socket.path
    case .inherited(let socket): socket.path
    }
  }
}

/// The Unix socket: accepts clients and reads their requests, on the writer's loop.
final class ControlServer: Sendable {
  /// Clients at a time. An idle one costs a descriptor and no buffer; a busy one may hold a few megabytes.
  package static let maximumConnections = 1000

  private let source: ListenerSource
  var path: String { source.path }
  private let limits: Limits
  private let loop: any EventLoop
  private let submit: @Sendable (ConnectionHandler, IncomingFrame, _ atOnce: Bool) -> Void
  private let disconnected: @Sendable (ConnectionHandler) -> Void
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var listener: (any Channel)?
    var connections: [UInt64: any Channel] = [:]
    var lastID: UInt64 = 0
  }

  /// - Parameters:
  ///   - source: what to listen on.
  ///   - loop: where everything is called.
  ///   - submit: takes each request, and whether to execute it before it returns.
  ///   - disconnected: the client is gone.
  init(
    source: ListenerSource, limits: Limits, loop: any EventLoop, logger: Logger,
    submit: @escaping @Sendable (ConnectionHandler, IncomingFrame, _ atOnce: Bool) -> Void,
    disconnected: @escaping @Sendable (ConnectionHandler) -> Void
  ) {
    self.source = source
    self.limits = limits
    self.loop = loop
    self.submit = submit
    self.disconnected = disconnected
    self.logger = logger
  }

  /// Makes the socket and begins to accept. Blocks for as long as the kernel takes; not for an event loop.
  func start() throws(ControlSocketError) {
    let authority = AuthorityBox()
    let bootstrap = ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 128)
      // Nobody is accepted before the socket's owner is settled; early clients wait in the backlog.
      .serverChannelOption(.autoRead, value: false)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in self.initialize(channel, authority.value) }
    let listener =
      switch source {
      case .file(let socket): try bind(bootstrap, socket, authority)
      case .inherited(let socket): try adopt(bootstrap, socket, authority)
      }
    state.withLock { $0.listener = listener }
    listener.setOption(.autoRead, value: true).whenFailure { error in
      self.logger.error("control socket does not accept", metadata: ["reason": "\(error)"])
    }
    logger.info("control socket open", metadata: ["path": "\(source.path)"])
  }

  private func bind(
    _ bootstrap: ServerBootstrap, _ socket: ControlSocket, _ authority: AuthorityBox
  ) throws(ControlSocketError) -> any Channel {
    try socket.makeRoom(group: loop)
    // The file must never be open to others, not even between bind and chmod.
    let mask = umask(0o117)
    defer { _ = umask(mask) }
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
    return listener
  }

  private func adopt(
    _ bootstrap: ServerBootstrap, _ socket: InheritedSocket, _ authority: AuthorityBox
  ) throws(ControlSocketError) -> any Channel {
    authority.value = WriteAuthority(user: geteuid(), group: socket.group)
    do {
      return try bootstrap.withBoundSocket(socket.descriptor).wait()
    } catch {
      throw ControlSocketError(path: source.path, reason: "the passed socket cannot be used: \(error)")
    }
  }

  /// Closes the socket and every connection, then removes the file, if it is ours.
  func stop() {
    let (listener, connections) = state.withLock { state in
      defer { state.listener = nil }
      return (state.listener, Array(state.connections.values))
    }
    guard let listener else { return }
    try? listener.close().wait()
    for connection in connections { try? connection.close().wait() }
    if case .file(let socket) = source { socket.remove() }
  }

  private func initialize(_ channel: any Channel, _ authority: WriteAuthority?) -> EventLoopFuture<Void> {
    guard let authority else {
      return channel.eventLoop.makeFailedFuture(ControlSocketError(path: source.path, reason: "is not open yet"))
    }
    guard let id = register(channel) else {
      return channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(RefusalHandler(limit: Self.maximumConnections))
      }
    }
    channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
    return authority.access(of: channel).flatMapThrowing { access in
      try channel.pipeline.syncOperations.addHandler(
        ConnectionHandler(
          id: id, access: access, limits: self.limits, submit: self.submit, disconnected: self.disconnected))
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
