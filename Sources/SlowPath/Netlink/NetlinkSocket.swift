import Glibc
import SystemPackage

/// A NETLINK_ROUTE socket: requests with their answers, dumps, and multicast notifications.
///
/// Every system call goes through `funnel`: EINTR is retried, EAGAIN becomes a value, the rest a typed error. One thread
/// at a time. A dump and notifications use two sockets, so that the order of a dump against a notification never depends
/// on how the kernel interleaved them in one queue.
package struct NetlinkSocket: ~Copyable {
  /// Twice the largest datagram the kernel builds for a dump (32 KiB, `max_recvmsg_len` in af_netlink.c).
  private static let bufferOctets = 64 << 10

  private let owned: OwnedDescriptor
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: bufferOctets)

  /// - Parameters:
  ///   - groups: the notifications to subscribe to; none for a request socket.
  ///   - receiveBuffer: octets the kernel may queue for us; beyond `net.core.rmem_max` only with CAP_NET_ADMIN.
  ///   - timeout: how long an answer may take, in seconds; sockets with groups never block.
  package init(groups: [NetlinkGroup] = [], receiveBuffer: Int32 = 4 << 20, timeout: Int = 5) throws(NetlinkError) {
    owned = OwnedDescriptor(try Self.open(groups, receiveBuffer, timeout))
  }

  /// For polling.
  package var descriptor: Int32 { owned.number }

  /// Sends a request and waits for the kernel's acknowledgement; answers that come before it are handed to `answer`.
  package mutating func request(
    _ request: NetlinkRequest, answer: (NetlinkMessage) -> Void = { _ in }
  ) throws(NetlinkError) {
    let sequence = try send(request)
    while true {
      guard let messages = try receive() else { throw .timedOut(request: request.name) }
      for message in messages where message.sequence == sequence {
        guard message.type == NetlinkType.error else {
          answer(message)
          continue
        }
        guard let code = message.body.int32(at: 0) else { throw .malformedAnswer(request: request.name) }
        if code != 0 { throw .refused(request: request.name, Errno(rawValue: 0 &- code)) }
        return
      }
    }
  }

  /// Sends a dump request and hands every entry to `entry`.
  /// - Returns: false if the table changed meanwhile (`NLM_F_DUMP_INTR`): entries may be missing, ask again.
  package mutating func dump(
    _ request: NetlinkRequest, entry: (NetlinkMessage) -> Void
  ) throws(NetlinkError) -> Bool {
    let sequence = try send(request)
    var steady = true
    while true {
      guard let messages = try receive() else { throw .timedOut(request: request.name) }
      for message in messages where message.sequence == sequence {
        if message.flags & NetlinkFlag.dumpInterrupted != 0 { steady = false }
        switch message.type {
        case NetlinkType.done, NetlinkType.error:
          // `done` carries an error too: a dump can fail half-way.
          guard let code = message.body.int32(at: 0) else { throw .malformedAnswer(request: request.name) }
          if code != 0 { throw .refused(request: request.name, Errno(rawValue: 0 &- code)) }
          return steady
        default: entry(message)
        }
      }
    }
  }

  /// The messages of the next datagram from the kernel, or nil if there is none (now, or within the timeout).
  /// - Throws: `.overflow` if the kernel had to drop notifications since the last call (ENOBUFS).
  package mutating func receive() throws(NetlinkError) -> NetlinkMessages? {
    while true {
      var sender = SocketAddress()
      let descriptor = descriptor
      let received = try Self.funnel("recvfrom(netlink)") {
        unsafe buffer.withUnsafeMutableBytes { room in
          var length = socklen_t(SocketAddress.octets)
          // `room` and `sender` are ours for the call, and their true sizes are passed.
          return unsafe withUnsafeMutableBytes(of: &sender) { address in
            unsafe Glibc.recvfrom(
              descriptor, room.baseAddress, room.count, Int32(MSG_TRUNC),
              address.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
          }
        }
      }
      guard let received else { return nil }
      // Port 0 is the kernel. Others may send to us too, and say anything.
      guard sender.port == 0 else { continue }
      // MSG_TRUNC returns the true length. A datagram that did not fit is a loss like any other.
      guard received <= buffer.count else { throw .overflow }
      return NetlinkMessages(NetlinkOctets(buffer[..<received]))
    }
  }

  private mutating func send(_ request: NetlinkRequest) throws(NetlinkError) -> UInt32 {
    sequence = sequence &+ 1  // wraps: only told apart from the previous request's
    let octets = request.encoded(sequence: sequence)
    let sent = try Self.funnel("send(netlink)") {
      // The bytes live for the call and their count is passed.
      unsafe octets.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
    }
    guard sent == octets.count else { throw .systemCall("send(netlink)", .resourceTemporarilyUnavailable) }
    return sequence
  }

  private static func open(
    _ groups: [NetlinkGroup], _ receiveBuffer: Int32, _ timeout: Int
  ) throws(NetlinkError) -> Int32 {
    let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue) | (groups.isEmpty ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    let owned = OwnedDescriptor(try funnel("socket(AF_NETLINK)") { socket(AF_NETLINK, type, 0) } ?? -1)
    let descriptor = owned.number
    // A larger buffer is a wish: without it an overflow is more likely, and an overflow is handled.
    if !setOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer) {
      setOption(descriptor, SOL_SOCKET, SO_RCVBUF, receiveBuffer)
    }
    // Since 4.20: the kernel refuses requests it does not understand, and filters dumps. Older kernels just ignore it.
    setOption(descriptor, NetlinkOption.level, NetlinkOption.strictChecking, Int32(1))
    if groups.isEmpty { setOption(descriptor, SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: timeout, tv_usec: 0)) }
    var address = SocketAddress(groups: groups.reduce(0) { $0 | $1.mask })
    _ = try funnel("bind(AF_NETLINK)") {
      // `SocketAddress` has the layout and size of `struct sockaddr_nl`.
      unsafe withUnsafeMutableBytes(of: &address) {
        unsafe bind(
          descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(SocketAddress.octets))
      }
    }
    return owned.release()
  }

  @discardableResult
  private static func setOption<Value: BitwiseCopyable>(
    _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Value
  ) -> Bool {
    // The pointer is to a trivial local value of the size passed.
    unsafe withUnsafeBytes(of: value) {
      unsafe setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) == 0
    }
  }

  /// The one place where a system call's result is judged.
  /// - Returns: the result, or nil for "nothing there now".
  private static func funnel<Result: SignedInteger>(
    _ call: String, _ body: () -> Result
  ) throws(NetlinkError) -> Result? {
    while true {
      let result = body()
      if result >= 0 { return result }
      switch errno {
      case EINTR: continue
      case EAGAIN: return nil
      case ENOBUFS: throw .overflow
      case let code: throw .systemCall(call, Errno(rawValue: code))
      }
    }
  }
}

/// `struct sockaddr_nl` (linux/netlink.h).
private struct SocketAddress: BitwiseCopyable {
  static let octets = 12

  let family = UInt16(AF_NETLINK)
  let padding: UInt16 = 0
  var port: UInt32 = 0
  var groups: UInt32 = 0
}
