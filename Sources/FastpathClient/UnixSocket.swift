import Glibc

/// A connected Unix stream socket that never blocks by itself; closed with its last reference.
final class UnixSocket {
  enum Received {
    case octets(Int)
    /// The other end has closed.
    case end
    case wouldBlock
  }

  let descriptor: Int32
  /// Longest wait for the daemon to say or to take something.
  private let patience: Duration
  private var input = [UInt8](repeating: 0, count: 1 << 18)

  /// Fails with one sentence that says what to do.
  init(path: String, patience: Duration) throws(ClientError) {
    self.patience = patience
    guard var address = Self.address(of: path) else {
      throw .unreachable("socket path \(path) is empty or longer than a Unix socket path can be (107 octets)")
    }
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .unreachable("cannot make a socket: \(Self.text(errno))") }
    // Safe: sockaddr_un begins with sockaddr's members, and the length given is that of the whole structure.
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else { throw Self.connectFailure(path, errno) }
    // Only now: a daemon whose backlog is full is waited for.
    guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
      throw .unreachable("cannot set up a socket: \(Self.text(errno))")
    }
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

  private static func connectFailure(_ path: String, _ code: Int32) -> ClientError {
    switch code {
    case ENOENT, ECONNREFUSED:
      .unreachable("no daemon answers at \(path): start fastpathd, or name its socket with --socket")
    case EACCES, EPERM:
      .unreachable("no permission to use \(path): run as root or as a member of the socket's group")
    default: .unreachable("cannot connect to \(path): \(text(code))")
    }
  }

  static func text(_ code: Int32) -> String {
    // Safe: strerror returns a terminated string, copied before anything else runs.
    unsafe String(cString: strerror(code))
  }

  /// Sends what the daemon takes now of `octets` from `start` on; nil when it takes nothing.
  func send(_ octets: [UInt8], from start: Int) throws(ClientError) -> Int? {
    while true {
      // Safe: the pointer is into octets, with the remaining count, for this call only. MSG_NOSIGNAL: a daemon that
      // closed is an error to report, not a signal to die of.
      let result = unsafe octets.withUnsafeBytes { buffer in
        unsafe Glibc.send(descriptor, buffer.baseAddress! + start, buffer.count - start, Int32(MSG_NOSIGNAL))
      }
      if result >= 0 { return result }
      switch errno {
      case EINTR: continue
      case EAGAIN: return nil
      case let code: throw failure(code)
      }
    }
  }

  /// Takes what has come, in `received`; and the descriptor that came with it, if one did.
  ///
  /// Every receiving call has room for a descriptor: the kernel drops one for which there is none.
  func receive(_ take: (ArraySlice<UInt8>, Int32?) -> Void) throws(ClientError) -> Received {
    while true {
      var message = DescriptorMessage()
      let result = unsafe input.withUnsafeMutableBytes { buffer in unsafe message.receive(descriptor, buffer) }
      if result > 0 {
        take(input[..<result], message.passed)
        return .octets(result)
      }
      guard result < 0 else { return .end }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      case let code: throw failure(code)
      }
    }
  }

  /// Waits until something can be received, or sent if that is wanted.
  ///
  /// - Parameter limit: nil is the patience, whose end is an error.
  /// - Returns: false when the limit has passed, or a signal came.
  func wait(forSending: Bool, limit: Duration?) throws(ClientError) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN | (forSending ? POLLOUT : 0)), revents: 0)
    let milliseconds = (limit ?? patience) / .milliseconds(1)
    // Safe: poll reads and writes this one structure during the call.
    let result = unsafe poll(&request, 1, Int32(clamping: Int64(max(0, milliseconds).rounded(.up))))
    if result > 0 { return true }
    guard result == 0 else {
      guard errno == EINTR else { throw failure(errno) }
      return limit == nil
    }
    guard limit != nil else {
      throw .unreachable("the daemon has not answered for \(patience.components.seconds) s")
    }
    return false
  }

  private func failure(_ code: Int32) -> ClientError {
    switch code {
    case EPIPE, ECONNRESET: .unreachable("the daemon closed the connection")
    default: .unreachable("the connection to the daemon failed: \(Self.text(code))")
    }
  }
}
