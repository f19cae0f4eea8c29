import SystemPackage

/// Why talking to the kernel failed: the operation and the kernel's own number, for an operator to read.
public enum NetlinkError: Error, Hashable, CustomStringConvertible {
  /// A system call failed.
  case systemCall(String, Errno)
  /// The socket's receive buffer overflowed: notifications are lost and everything must be read again.
  case overflow
  /// The kernel refused the request.
  case refused(request: String, Errno)
  /// The kernel did not answer in time.
  case timedOut(request: String)
  /// An answer could not be read as netlink.
  case malformedAnswer(request: String)
  /// A table kept changing while it was dumped, in every one of so many attempts.
  case unsteady(request: String, attempts: Int)

  public var description: String {
    switch self {
    case .systemCall(let call, let errno): "netlink: \(call) failed: \(errno)"
    case .overflow: "netlink: receive buffer overflowed, notifications were lost"
    case .refused(let request, let errno): "netlink: the kernel refused \(request): \(errno)"
    case .timedOut(let request): "netlink: no answer to \(request)"
    case .malformedAnswer(let request): "netlink: the answer to \(request) is malformed"
    case .unsteady(let request, let attempts): "netlink: \(request) was interrupted by changes \(attempts) times"
    }
  }
}
