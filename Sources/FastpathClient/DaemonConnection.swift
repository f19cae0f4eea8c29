import ControlProtocol
import Glibc

/// A connection to `fastpathd`: requests out in order, replies in with their ids, events between them.
///
/// It blocks, and belongs to one thread at a time. Requests may be sent ahead of their replies: while the daemon does not
/// take what is sent, replies are read and kept, so that neither side waits for the other for ever.
///
/// ```swift
/// let daemon = try DaemonConnection(path: "/run/fastpath/fastpathd.sock", owner: 7, name: "my-lma")
/// let outcome = try daemon.upsert([.binding(binding)], flags: [.atomic, .quiesced])
/// ```
public final class DaemonConnection {
  /// Replies that may wait for `receive`, before a `send` that cannot go on is refused.
  public static let mostReplies = 1024
  /// Events that may wait for `nextEvent`; later ones are counted, and an `overflow` event says so in their place.
  public static let mostEvents = 1024

  private let socket: UnixSocket
  private var reader = ReplyReader()
  private var nextID: UInt32 = 0
  private var replies: [ReceivedReply] = []
  /// The daemon has closed; what came before is still given.
  private var hasEnded = false
  var events = EventQueue(capacity: mostEvents)
  /// Of the last STATS, until `statistics` takes it.
  private var passedDescriptor: Int32?
  /// What the daemon said of itself last.
  public internal(set) var hello: HelloReply

  /// Connects and says HELLO.
  ///
  /// - Parameters:
  ///   - path: the daemon's socket.
  ///   - owner: whose entries this connection's are; 0 is the command line's. A control daemon keeps its number over its
  ///     restarts.
  ///   - name: for the daemon's log, at most 255 octets.
  ///   - patience: longest wait for the daemon to answer, or to take what is sent.
  public init(
    path: String, owner: UInt32 = 0, name: String, patience: Duration = .seconds(60)
  ) throws(ClientError) {
    socket = try UnixSocket(path: path, patience: patience)
    hello = HelloReply(
      major: 0, minor: 0, access: .read, role: .lma, bootID: (0, 0), generation: 0, limits: .standard, tables: [],
      software: "")
    hello = try sayHello(HelloRequest(owner: owner, client: name))
  }

  deinit { if let passedDescriptor { close(passedDescriptor) } }

  /// The socket, for `poll` beside others: readable when a reply or an event may have come.
  public var descriptor: Int32 { socket.descriptor }

  /// Sends a request and does not wait for its reply: `receive` gives the replies in the order of the requests.
  ///
  /// - Returns: the request's id, which its reply carries.
  @discardableResult
  public func send(_ request: Request, flags: FrameFlags = []) throws(ClientError) -> UInt32 {
    var frame: [UInt8] = []
    request.encode(requestID: 0, flags: flags, into: &frame)
    return try send(frame: frame)
  }

  /// Sends one whole frame that was encoded before, on another thread for example; it gets the next id.
  @discardableResult
  public func send(frame: [UInt8]) throws(ClientError) -> UInt32 {
    guard frame.count - FrameHeader.size <= hello.limits.payloadOctets else { throw .tooLarge(hello.limits) }
    let id = nextID
    nextID &+= 1
    var frame = frame
    FrameHeader.setRequestID(id, in: &frame)
    var sent = 0
    while sent < frame.count {
      if let count = try socket.send(frame, from: sent) {
        sent += count
        continue
      }
      // Half of a frame cannot be taken back: from its first octet on it is finished.
      guard sent > 0 || replies.count < Self.mostReplies else { throw .repliesWaiting }
      if try socket.wait(forSending: true, limit: nil) { try readAvailable() }
    }
    return id
  }

  /// The next reply, in the order of the requests. One that refuses is given, not thrown.
  public func receive() throws(ClientError) -> ReceivedReply {
    while replies.isEmpty {
      try readAvailable()
      if replies.isEmpty { _ = try socket.wait(forSending: false, limit: nil) }
    }
    return replies.removeFirst()
  }

  /// Sends a request and takes its first reply; a refusal is thrown. Replies to earlier requests stay for `receive`.
  public func call(_ request: Request, flags: FrameFlags = []) throws(ClientError) -> ReceivedReply {
    let id = try send(request, flags: flags)
    return try reply(to: id)
  }

  /// Waits for the reply to this request and takes it out of the order; a refusal is thrown.
  func reply(to id: UInt32) throws(ClientError) -> ReceivedReply {
    while true {
      if let index = replies.firstIndex(where: { $0.requestID == id }) {
        let received = replies.remove(at: index)
        if case .failure(let status, let outcome) = received.reply { throw .refused(status, outcome) }
        return received
      }
      let before = replies.count
      try readAvailable()
      if replies.count == before { _ = try socket.wait(forSending: false, limit: nil) }
    }
  }

  /// Takes in what has come, waiting for it no longer than this.
  func readEvents(within limit: Duration) throws(ClientError) {
    if try socket.wait(forSending: false, limit: limit) { try readAvailable() }
  }

  func takeDescriptor() -> Int32? {
    defer { passedDescriptor = nil }
    return passedDescriptor
  }

  /// Takes in what has come; after the end nothing can, and whoever still waits for something would wait for ever.
  private func readAvailable() throws(ClientError) {
    guard !hasEnded else { throw .unreachable("the daemon closed the connection") }
    let received = try socket.receive { octets, descriptor in
      reader.append(octets)
      guard let descriptor else { return }
      if let passedDescriptor { close(passedDescriptor) }
      passedDescriptor = descriptor
    }
    do throws(DecodeError) {
      while let next = try reader.next() {
        if case .event(let event) = next.reply { events.append(event) } else { replies.append(next) }
      }
    } catch {
      throw .notUnderstood("\(error)")
    }
    if case .end = received { hasEnded = true }
  }
}
