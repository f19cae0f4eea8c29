import Glibc
import Logging

/// sd_notify's protocol (sd_notify(3)): one datagram to the Unix socket that NOTIFY_SOCKET names.
enum ServiceNotifier {
  /// Longest path that `sockaddr_un` holds with its terminating zero.
  private static let longestPath = 107

  /// Tells the service manager; does nothing without one. A failure is logged and never ends the daemon.
  static func send(_ state: String, logger: Logger) {
    // getenv's string belongs to the environment, which nobody changes; it is copied at once.
    guard let pointer = unsafe getenv("NOTIFY_SOCKET") else { return }
    let path = unsafe String(cString: pointer)
    guard var address = address(path) else {
      logger.warning(
        "NOTIFY_SOCKET is neither an absolute path nor an abstract name that fits", metadata: ["path": "\(path)"])
      return
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return warn(logger) }
    defer { close(descriptor) }
    let octets = Array(state.utf8)
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
    // Both buffers are local and their lengths are passed; the address is `length` octets of a larger sockaddr_un.
    let sent = unsafe withUnsafeBytes(of: &address) { address in
      unsafe octets.withUnsafeBytes { octets in
        unsafe sendto(
          descriptor, octets.baseAddress, octets.count, Int32(MSG_NOSIGNAL),
          address.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
      }
    }
    if sent < 0 { warn(logger) }
  }

  /// A leading `@` stands for the zero octet of an abstract name.
  private static func address(_ path: String) -> sockaddr_un? {
    var octets = Array(path.utf8)
    guard let first = octets.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
      octets.count <= longestPath
    else { return nil }
    if first == UInt8(ascii: "@") { octets[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      // At most 107 of the 108 octets; the rest stays zero.
      unsafe room.copyBytes(from: octets)
    }
    return address
  }

  private static func warn(_ logger: Logger) {
    logger.warning("the service manager could not be told", metadata: ["errno": "\(errno)"])
  }
}
