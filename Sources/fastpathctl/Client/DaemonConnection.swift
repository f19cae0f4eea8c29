import ControlProtocol

/// The protocol's client side over one socket: requests out in order, replies in with their ids.
struct DaemonConnection {
  private let socket: UnixSocket
  private var nextID: UInt32 = 1
  private var payload: [UInt8] = []
  /// What the daemon said of itself.
  private(set) var hello: HelloReply

  /// Connects and says HELLO.
  init(path: String) throws(CommandFailure) {
    socket = try UnixSocket(path: path)
    var frame: [UInt8] = []
    Request.hello(HelloRequest(client: "fastpathctl")).encode(requestID: 0, into: &frame)
    try socket.send(frame)
    switch try Self.receive(socket, &payload, Limits.standard).reply {
    case .hello(let reply):
      guard reply.major == Limits.majorVersion else {
        throw .refused(
          "the daemon speaks protocol version \(reply.major), this program \(Limits.majorVersion): use its fastpathctl")
      }
      hello = reply
    case .failure(let status, let outcome): throw CommandFailure(status: status, outcome: outcome)
    default: throw .unreachable("the daemon answered HELLO with something else")
    }
  }

  /// The whole frame of a request; what does not fit the daemon's limits is nil.
  mutating func frame(_ request: Request, flags: FrameFlags = []) -> [UInt8]? {
    var frame: [UInt8] = []
    request.encode(requestID: nextID, flags: flags, into: &frame)
    guard frame.count - FrameHeader.size <= hello.limits.payloadOctets else { return nil }
    nextID &+= 1
    return frame
  }

  func send(_ frame: [UInt8]) throws(CommandFailure) { try socket.send(frame) }

  /// Sends a request and takes its (first) reply; a refusal is thrown.
  ///
  /// - Parameter lines: the line of each record, for the words of a refusal.
  mutating func call(
    _ request: Request, flags: FrameFlags = [], lines: [Int] = []
  ) throws(CommandFailure) -> (reply: Reply, more: Bool) {
    guard let frame = frame(request, flags: flags) else {
      throw .refused("the request is larger than the daemon's limit of \(hello.limits.payloadOctets) octets")
    }
    try send(frame)
    return try receive(lines: lines)
  }

  /// The next reply; a refusal is thrown.
  mutating func receive(lines: [Int] = []) throws(CommandFailure) -> (reply: Reply, more: Bool) {
    let (header, reply) = try Self.receive(socket, &payload, Limits.standard)
    if case .failure(let status, let outcome) = reply {
      throw CommandFailure(status: status, outcome: outcome, lines: lines)
    }
    return (reply, header.flags.contains(.more))
  }

  private static func receive(
    _ socket: UnixSocket, _ buffer: inout [UInt8], _ limits: Limits
  ) throws(CommandFailure) -> (header: FrameHeader, reply: Reply) {
    try socket.receive(FrameHeader.size, into: &buffer)
    let header = try understood { () throws(DecodeError) in
      // Safe: UInt8 has no padding, and the span is not kept.
      try FrameHeader(decoding: unsafe buffer.span.bytes, limits: limits)
    }
    try socket.receive(Int(header.payloadLength), into: &buffer)
    let reply = try understood { () throws(DecodeError) in
      // Safe: as above.
      try Reply(header: header, payload: unsafe buffer.span.bytes, limits: limits)
    }
    return (header, reply)
  }

  private static func understood<Value>(_ decode: () throws(DecodeError) -> Value) throws(CommandFailure) -> Value {
    do throws(DecodeError) {
      return try decode()
    } catch {
      throw .unreachable("the daemon sent a reply that is not understood: \(error)")
    }
  }
}
