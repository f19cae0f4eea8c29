/// Why a packet was dropped. The names are CONTRACT's closed list; docs/COUNTERS.md explains each.
public enum DropReason: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case noBinding, bindingPending, deregistering, expired, unknownTunnel, sourceNotBound, notOnLink, linkLocalSource
  case hopLimit, tooBig, encapsulationLimit, malformed, truncated, badChecksum, martian, hotiProxy, loop
  case noNeighbor, noRoute, bufferFull, bufferTimeout, bufferCancelled
  case reassemblyTimeout, reassemblyOverlap, reassemblyFull, txFull, rateLimited
  case ecn, greKey, reassembledTooBig
  /// The ring towards the kernel had no room.
  case kernelFull
  /// The far end of the tunnel is down (RFC 5847).
  case peerDown

  public var name: String {
    switch self {
    case .noBinding: "no-binding"
    case .bindingPending: "binding-pending"
    case .deregistering: "deregistering"
    case .expired: "expired"
    case .unknownTunnel: "unknown-tunnel"
    case .sourceNotBound: "source-not-bound"
    case .notOnLink: "not-on-link"
    case .linkLocalSource: "link-local-source"
    case .hopLimit: "hop-limit"
    case .tooBig: "too-big"
    case .encapsulationLimit: "encapsulation-limit"
    case .malformed: "malformed"
    case .truncated: "truncated"
    case .badChecksum: "bad-checksum"
    case .martian: "martian"
    case .hotiProxy: "hoti-proxy"
    case .loop: "loop"
    case .noNeighbor: "no-neighbor"
    case .noRoute: "no-route"
    case .bufferFull: "buffer-full"
    case .bufferTimeout: "buffer-timeout"
    case .bufferCancelled: "buffer-cancelled"
    case .reassemblyTimeout: "reassembly-timeout"
    case .reassemblyOverlap: "reassembly-overlap"
    case .reassemblyFull: "reassembly-full"
    case .txFull: "tx-full"
    case .rateLimited: "rate-limited"
    case .ecn: "ecn"
    case .greKey: "gre-key"
    case .reassembledTooBig: "reassembled-too-big"
    case .kernelFull: "kernel-full"
    case .peerDown: "peer-down"
    }
  }
}

/// Why a worker hands a packet to the kernel, beside the steering program's own reasons (`SteerReason`).
public enum PuntReason: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// The inner packet of a tunnel is for an address of this machine: delivered decapsulated.
  case innerLocal
  /// An ICMPv6 error about one of our tunnel packets.
  case tunnelError
  /// The route of a decapsulated packet leaves by an interface that is not a port: delivered decapsulated.
  case foreignInterface
  /// Steered here by a table that has changed since: handed back as the steering program would now.
  case notOurs
  /// From or to an ordinary host on a gateway's access link: natively routed. The steering program has the same name
  /// for it.
  case visitor

  public var name: String {
    switch self {
    case .innerLocal: "inner-local"
    case .tunnelError: "tunnel-error"
    case .foreignInterface: "foreign-interface"
    case .notOurs: "not-ours-any-more"
    case .visitor: "visitor"
    }
  }
}

/// The one fate of a frame at the end of a turn; `undecided` exists only between the stages of a turn.
enum Verdict: UInt8, BitwiseCopyable {
  case undecided
  case transmit
  case punt
  case drop
  /// The slow path has a copy and decides, or without an exception the worker's own handover buffer.
  case hold
}
