import ControlProtocol
import Glibc
import Testing

/// A blocking client of the control socket with nothing of the daemon's code but the codec.
final class SocketClient {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let descriptor: Int32
  private var received: [UInt8] = []

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(description: "socket: errno \(errno)") }
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    // Safe: the kernel reads one timeval during the call.
    let limited = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: sun_path is 108 zeroed octets, and the paths of these tests are shorter.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    // Safe: connect reads one sockaddr_un during the call.
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard limited == 0, connected == 0 else {
      close(descriptor)
      throw Failure(description: "connect \(path): errno \(errno)")
    }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      // Safe: the buffer outlives the call, and the count is what is left of it.
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          descriptor, buffer.baseAddress.map { unsafe $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
      sent += count
    }
  }

  func send(_ request: Request, id: UInt32, flags: FrameFlags = []) throws {
    var bytes: [UInt8] = []
    request.encode(requestID: id, flags: flags, into: &bytes)
    try send(bytes)
  }

  /// The next reply; fails when the daemon closes or is silent for 20 seconds.
  func receive() throws -> (header: FrameHeader, reply: Reply) {
    try fill(FrameHeader.size)
    // Safe, also below: octets have no padding, and the span ends with the expression.
    let header = try FrameHeader(decoding: unsafe received.span.bytes, limits: .standard)
    let length = FrameHeader.size + Int(header.payloadLength)
    try fill(length)
    let reply = try Reply(
      header: header, payload: unsafe received.span.bytes.extracting(FrameHeader.size..<length), limits: .standard)
    received.removeFirst(length)
    return (header, reply)
  }

  func ask(_ request: Request, id: UInt32 = 1, flags: FrameFlags = []) throws -> Reply {
    try send(request, id: id, flags: flags)
    let (header, reply) = try receive()
    #expect(header.requestID == id)
    return reply
  }

  /// A connection that has said HELLO.
  static func greeted(_ path: String, owner: UInt32 = 0) throws -> SocketClient {
    let client = try SocketClient(path)
    _ = try client.hello(owner: owner)
    return client
  }

  func hello(owner: UInt32 = 0) throws -> HelloReply {
    guard case .hello(let hello) = try ask(.hello(HelloRequest(owner: owner, client: "test"))) else {
      throw Failure(description: "HELLO was refused")
    }
    return hello
  }

  /// The next event of the subscription with this id.
  func event(id: UInt32 = 77) throws -> EventReport {
    let (header, reply) = try receive()
    guard case .event(let report) = reply, header.requestID == id else {
      throw Failure(description: "not an event of subscription \(id): \(reply)")
    }
    return report
  }

  func askForDescriptor(_ request: Request, id: UInt32) throws -> (Reply, descriptor: Int32) {
    try send(request, id: id)
    return try receiveDescriptor()
  }

  /// The next reply, with the descriptor that comes with its first octet; -1: none came.
  func receiveDescriptor() throws -> (Reply, descriptor: Int32) {
    try #require(received.isEmpty)
    var octets = [UInt8](repeating: 0, count: 16)
    // cmsghdr of 64-bit Linux: length, level, type, then the descriptor.
    var control = [Int32](repeating: -1, count: 16)
    let count = unsafe octets.withUnsafeMutableBytes { room in
      unsafe control.withUnsafeMutableBytes { controlRoom in
        // Safe: the kernel writes within the lengths of these buffers, which outlive the call.
        var part = unsafe iovec(iov_base: room.baseAddress, iov_len: room.count)
        return unsafe withUnsafeMutablePointer(to: &part) { part in
          var message = unsafe msghdr()
          unsafe message.msg_iov = part
          unsafe message.msg_iovlen = 1
          unsafe message.msg_control = controlRoom.baseAddress
          unsafe message.msg_controllen = controlRoom.count
          return unsafe recvmsg(descriptor, &message, 0)
        }
      }
    }
    guard count > 0 else { throw Failure(description: "recvmsg: errno \(errno)") }
    received += octets.prefix(count)
    return (try receive().reply, control[4])
  }

  /// Whether the daemon has ended the connection.
  func isClosed() -> Bool {
    var octet: [UInt8] = [0]
    return read(into: &octet) == 0
  }

  /// Whether a reply is there now, without waiting.
  var hasReply: Bool {
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // Safe: one pollfd for the length of the call.
    return unsafe !received.isEmpty || poll(&poller, 1, 0) > 0
  }

  func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

  private func fill(_ count: Int) throws {
    while received.count < count {
      // Not past the frame: a descriptor that comes with the next one would be lost with a plain recv.
      var part = [UInt8](repeating: 0, count: min(count - received.count, 65536))
      let got = read(into: &part)
      guard got > 0 else { throw Failure(description: got == 0 ? "the daemon closed" : "recv: errno \(errno)") }
      received += part.prefix(got)
    }
  }

  private func read(into part: inout [UInt8]) -> Int {
    let size = part.count
    // Safe: the array is as long as the size given.
    return unsafe recv(descriptor, &part, size, 0)
  }
}
