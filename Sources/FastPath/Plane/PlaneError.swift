import Glibc

/// What can go wrong before forwarding starts.
public enum PlaneError: Error, CustomStringConvertible {
  /// The kernel refused an operation; `code` is an errno.
  case environment(operation: String, code: Int32)
  /// The kernel refused busy polling of a queue; `code` is an errno.
  case busyPoll(interface: String, queue: Int, code: Int32)
  /// A port's MTU is larger than a frame can hold.
  case mtuTooLarge(port: String, mtu: Int, largest: Int)

  public var description: String {
    switch self {
    case .environment(let operation, let code):
      // Safe: strerror returns a C string that stays valid until the next call of this thread.
      "cannot \(operation): \(unsafe String(cString: strerror(code)))"
    case .busyPoll(let interface, let queue, let code):
      // Safe: as above.
      "cannot turn busy polling on for \(interface) queue \(queue): \(unsafe String(cString: strerror(code))); "
        + Self.busyPollRemedy(code)
    case .mtuTooLarge(let port, let mtu, let largest):
      "port \(port): an MTU of \(mtu) does not fit one frame; set the interface's MTU to \(largest) or less"
    }
  }

  private static func busyPollRemedy(_ code: Int32) -> String {
    switch code {
    case EPERM: "start the daemon with CAP_NET_ADMIN, or set `busy-poll: off`"
    case ENOPROTOOPT: "this takes Linux 5.11 with CONFIG_NET_RX_BUSY_POLL: set `busy-poll: off`"
    default: "set `busy-poll: off`"
    }
  }
}
