import Glibc

/// A message, if wanted with a descriptor beside its octets (SCM_RIGHTS, unix(7)).
enum SocketMessage {
  enum Result {
    /// So many octets are on their way, a descriptor with the first of them.
    case sent(Int)
    /// The socket has no room now.
    case full
    case failed(Int32)
  }

  /// `struct cmsghdr` with one descriptor, padded as CMSG_SPACE pads it on 64-bit Linux.
  private struct Control: BitwiseCopyable {
    var length = 20
    var level = SOL_SOCKET
    /// SCM_RIGHTS, an enumerator that Glibc's Swift overlay does not name.
    var type: Int32 = 1
    var descriptor: Int32
    var padding: Int32 = 0
  }

  /// Sends as much as the socket takes, at least one octet or nothing at all; never waits.
  static func send(_ octets: [UInt8], with descriptor: Int32?, to socket: Int32) -> Result {
    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    let sent =
      if let descriptor {
        send(octets, Control(descriptor: descriptor), flags, to: socket)
      } else {
        // Safe: send only reads, within the array, which outlives the call.
        unsafe octets.withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, flags) }
      }
    if sent > 0 { return .sent(sent) }
    let code = errno
    return code == EAGAIN || code == EINTR ? .full : .failed(code)
  }

  private static func send(_ octets: [UInt8], _ control: Control, _ flags: Int32, to socket: Int32) -> Int {
    var control = control
    return unsafe octets.withUnsafeBytes { bytes in
      unsafe withUnsafeMutableBytes(of: &control) { control in
        // Safe: sendmsg only reads, within the lengths of these buffers, which outlive the call.
        var part = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        return unsafe withUnsafeMutablePointer(to: &part) { part in
          var message = unsafe msghdr()
          unsafe message.msg_iov = part
          unsafe message.msg_iovlen = 1
          unsafe message.msg_control = control.baseAddress
          unsafe message.msg_controllen = control.count
          return unsafe sendmsg(socket, &message, flags)
        }
      }
    }
  }
}
