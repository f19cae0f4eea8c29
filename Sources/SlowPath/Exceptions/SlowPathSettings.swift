import FastPath
import FlowTable

/// What the exception path must know of the configuration; fixed for the life of an engine.
public struct SlowPathSettings: Sendable {
  /// Sources of errors about packets that were not addressed to us; nil: no errors of that family.
  public var routerIPv6: IPAddress?
  public var routerIPv4: IPAddress?
  /// Tunnel end points and router addresses.
  public var localAddresses: Set<IPAddress>
  /// Errors a second, and the largest burst (RFC 4443 section 2.4 (f)); 0 sends none.
  public var rate: Int
  public var burst: Int
  public var reassembly: ReassemblyLimits
  public var secret: FragmentSecret

  public init(
    routerAddresses: [IPAddress], localAddresses: [IPAddress], rate: Int = 10, burst: Int = 10,
    reassembly: ReassemblyLimits = ReassemblyLimits(), secret: FragmentSecret = .random()
  ) {
    routerIPv6 = routerAddresses.first { $0.family == .ipv6 }
    routerIPv4 = routerAddresses.first { $0.family == .ipv4 }
    self.localAddresses = Set(localAddresses)
    self.rate = rate
    self.burst = burst
    self.reassembly = reassembly
    self.secret = secret
  }
}
