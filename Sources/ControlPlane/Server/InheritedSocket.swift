import Glibc

/// A listening socket that the service manager has made (sd_listen_fds(3)): its file, owner and mode are the manager's, and
/// it stays when this process goes.
public struct InheritedSocket: Sendable {
  /// Where the first passed descriptor always is.
  private static let firstDescriptor: Int32 = 3

  let descriptor: Int32
  /// Of the file it is bound to; empty for an abstract name.
  let path: String

  /// What LISTEN_PID and LISTEN_FDS pass to this very process; nil when they pass nothing.
  ///
  /// To be called before there are other threads: it changes the environment, so that no child takes them for its own.
  ///
  /// - Throws: more than one was passed, or something that is no listening Unix stream socket.
  public static func fromEnvironment() throws(ControlSocketError) -> InheritedSocket? {
    guard number("LISTEN_PID") == Int(getpid()), let count = number("LISTEN_FDS"), count > 0 else { return nil }
    // Safe: the names are passed as terminated strings for the call only.
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
    guard count == 1 else {
      throw ControlSocketError(
        path: "(passed by the service manager)",
        reason: "\(count) sockets are passed; the unit must have one ListenStream=")
    }
    return try InheritedSocket(descriptor: firstDescriptor)
  }

  /// - Throws: what it is instead of a listening Unix stream socket.
  package init(descriptor: Int32) throws(ControlSocketError) {
    self.descriptor = descriptor
    let place = "descriptor \(descriptor) (passed by the service manager)"
    guard let family = Self.option(SO_DOMAIN, descriptor), let type = Self.option(SO_TYPE, descriptor) else {
      throw ControlSocketError(path: place, reason: "it is no open socket; the unit must have ListenStream=PATH")
    }
    guard family == AF_UNIX, type == Int32(SOCK_STREAM.rawValue) else {
      throw ControlSocketError(
        path: place, reason: "it is no Unix stream socket (family \(family), type \(type)); use ListenStream=PATH")
    }
    guard Self.option(SO_ACCEPTCONN, descriptor) == 1 else {
      throw ControlSocketError(path: place, reason: "it does not listen; the socket unit must have Accept=no")
    }
    path = Self.boundPath(descriptor)
    // A child of this process has no use for it.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// The group that owns the socket's file: who may write.
  var group: UInt32 {
    var attributes = stat()
    // Safe: one stat structure of this frame; the path is passed as a terminated string for the call.
    guard !path.isEmpty, unsafe stat(path, &attributes) == 0 else { return getegid() }
    return attributes.st_gid
  }

  private static func number(_ name: String) -> Int? {
    // The environment is not changed by anybody else, and the text is copied at once.
    unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
  }

  private static func option(_ option: Int32, _ descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // Safe: the kernel writes at most the four octets it is told of.
    guard unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 else { return nil }
    return value
  }

  private static func boundPath(_ descriptor: Int32) -> String {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    // Safe: the kernel fills at most the size it is told of, and sun_path is zeroed before.
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
    }
    guard status == 0 else { return "" }
    // Safe: the bytes are copied within the call.
    return unsafe withUnsafeBytes(of: &address.sun_path) {
      unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
