/// Why the steering program did what it did with a packet. Raw values are `enum steer_reason` of steer_abi.h (a test
/// compares them), so they index what `fp_program_counters` returns.
public enum SteerReason: UInt32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  case arp = 0
  case ethertype
  case otherMAC
  case multicast
  case neighborDiscovery
  case linkLocal
  case local
  case visitor
  case notOurs
  case dhcp
  case malformed
  case noSocket
  case redirected

  /// As in counters, `kernel.ndjson` and docs/COUNTERS.md.
  public var name: String {
    switch self {
    case .arp: "arp"
    case .ethertype: "ethertype"
    case .otherMAC: "other-mac"
    case .multicast: "multicast"
    case .neighborDiscovery: "neighbor-discovery"
    case .linkLocal: "link-local"
    case .local: "local"
    case .visitor: "visitor"
    case .notOurs: "not-ours"
    case .dhcp: "dhcp"
    case .malformed: "malformed"
    case .noSocket: "no-socket"
    case .redirected: "redirected"
    }
  }
}

/// What becomes of a received frame before any worker sees it.
public enum SteeringDecision: Hashable, Sendable {
  /// To the worker of the port and queue.
  case redirect
  /// To the kernel, unchanged, counted under the reason.
  case pass(SteerReason)
  /// Not one of our ports: to the kernel, counted nowhere.
  case ignore
}
