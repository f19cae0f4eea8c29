import Glibc

/// A connected, blocking Unix stream socket; closed with its last reference.
final class UnixSocket {
  /// Longest wait for one send or receive: a daemon that is silent for longer is not reachable.
  private static let timeoutSeconds = 60

  private let descriptor: Int32

  /// Fails with one sentence that says what to do.
  init(path: String) throws(CommandFailure) {
    guard var address = Self.address(of: path) else {
      throw .unreachable("socket path \(path) is empty or longer than a Unix socket path can be (107 octets)")
    }
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .unreachable("cannot make a socket: \(Self.text(errno))") }
    var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // Safe: the kernel reads one timeval, which lives until the call returns.
      guard unsafe setsockopt(descriptor, SOL_SOCKET, option, &timeout, size) == 0 else {
        throw .unreachable("cannot set a timeout on the socket: \(Self.text(errno))")
      }
    }
    // Safe: sockaddr_un begins with sockaddr's members, and the length given is that of the whole structure.
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else { throw Self.connectFailure(path, errno) }
  }

  deinit { close(descriptor) }

  private static func address(of path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let octets = Array(path.utf8)
    // One octet is left for the terminator, which the zero-initialised structure has already.
    guard !octets.isEmpty, octets.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
    // Safe: the buffer is sun_path itself and octets was found to be shorter.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in unsafe buffer.copyBytes(from: octets) }
    return address
  }

  private static func connectFailure(_ path: String, _ code: Int32) -> CommandFailure {
    switch code {
    case ENOENT, ECONNREFUSED:
      .unreachable("no daemon answers at \(path): start fastpathd, or name its socket with --socket")
    case EACCES, EPERM:
      .unreachable("no permission to use \(path): run as root or as a member of the socket's group")
    default: .unreachable("cannot connect to \(path): \(text(code))")
    }
  }

  private static func text(_ code: Int32) -> String {
    // Safe: strerror returns a terminated string, copied before anything else runs.
    unsafe String(cString: strerror(code))
  }

  /// Sends all of `octets`.
  func send(_ octets: [UInt8]) throws(CommandFailure) {
    var sent = 0
    while sent < octets.count {
      // Safe: the pointer is into octets, with the remaining count, for this call only. MSG_NOSIGNAL: a daemon that
      // closed is an error to report, not a signal to die of.
      let result = unsafe octets.withUnsafeBytes { buffer in
        unsafe Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      if result >= 0 {
        sent += result
      } else if errno != EINTR {
        throw failure(errno)
      }
    }
  }

  /// Fills `buffer` with exactly `count` octets.
  func receive(_ count: Int, into buffer: inout [UInt8]) throws(CommandFailure) {
    // The caller bounds the count by the protocol's limit.
    buffer = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      // Safe: the pointer is into buffer, with the remaining count, for this call only.
      let result = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe recv(descriptor, bytes.baseAddress! + received, count - received, 0)
      }
      if result > 0 {
        received += result
      } else if result == 0 {
        throw .unreachable("the daemon closed the connection")
      } else if errno != EINTR {
        throw failure(errno)
      }
    }
  }

  private func failure(_ code: Int32) -> CommandFailure {
    switch code {
    case EAGAIN: .unreachable("the daemon has not answered for \(Self.timeoutSeconds) s")
    case EPIPE, ECONNRESET: .unreachable("the daemon closed the connection")
    default: .unreachable("the connection to the daemon failed: \(Self.text(code))")
    }
  }
}
