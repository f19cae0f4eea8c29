import Glibc

/// One `recvmsg` with room for a file descriptor (SCM_RIGHTS).
struct DescriptorMessage {
  /// A control message with one descriptor, as cmsg(3) lays it out on 64-bit Linux: a length, two numbers, the
  /// descriptor, and padding to a multiple of eight.
  private struct Control {
    var length = 0
    var level: Int32 = 0
    var type: Int32 = 0
    var descriptor: Int32 = -1
    var padding: Int32 = 0
  }

  /// Octets of a control message that holds exactly one descriptor.
  private static let lengthOfOne = 20

  private var control = Control()
  private(set) var passed: Int32?

  /// - Returns: what recvmsg does.
  mutating func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    var vector = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
    // Safe: every pointer is to a variable that lives until the call returns, with the length of that variable.
    let result = unsafe withUnsafeMutablePointer(to: &vector) { vector in
      unsafe withUnsafeMutableBytes(of: &control) { control in
        var header = unsafe msghdr()
        unsafe header.msg_iov = vector
        unsafe header.msg_iovlen = 1
        unsafe header.msg_control = control.baseAddress
        unsafe header.msg_controllen = control.count
        return unsafe recvmsg(socket, &header, Int32(MSG_CMSG_CLOEXEC))
      }
    }
    if result > 0, control.length == Self.lengthOfOne, control.level == SOL_SOCKET,
      control.type == Int32(SCM_RIGHTS)
    {
      passed = control.descriptor
    }
    return result
  }
}
