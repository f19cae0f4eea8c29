import SystemPackage

/// Why the way into the kernel could not be opened.
public enum InjectionError: Error, Hashable, CustomStringConvertible {
  /// `/dev/net/tun` cannot be opened: no such device, or no permission.
  case device(Errno)
  /// The TUN interface could not be created (EPERM: CAP_NET_ADMIN is missing).
  case creation(Errno)
  /// The interface exists but could not be configured or brought up.
  case configuration(interface: String, what: String, Errno)

  public var description: String {
    switch self {
    case .device(let errno): "cannot open /dev/net/tun: \(errno); load or allow the tun device"
    case .creation(let errno): "cannot create a TUN interface: \(errno); CAP_NET_ADMIN is needed"
    case .configuration(let interface, let what, let errno): "cannot set \(what) of \(interface): \(errno)"
    }
  }
}
