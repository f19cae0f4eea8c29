import Glibc

/// What can go wrong before forwarding starts.
public enum PlaneError: Error, CustomStringConvertible {
  /// The kernel refused an operation; `code` is an errno.
  case environment(operation: String, code: Int32)
  /// A port's MTU is larger than a frame can hold.
  case mtuTooLarge(port: String, mtu: Int, largest: Int)

  public var description: String {
    switch self {
    case .environment(let operation, let code):
      // Safe: strerror returns a C string that stays valid until the next call of this thread.
      "cannot \(operation): \(unsafe String(cString: strerror(code)))"
    case .mtuTooLarge(let port, let mtu, let largest):
      "port \(port): an MTU of \(mtu) does not fit one frame; set the interface's MTU to \(largest) or less"
    }
  }
}
