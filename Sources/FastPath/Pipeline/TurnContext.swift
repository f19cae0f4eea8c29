import CInstructions
import FlowTable

/// A prefix as the two words to compare and the two to mask with.
struct PrefixMask: BitwiseCopyable {
  let high: UInt64
  let low: UInt64
  let maskHigh: UInt64
  let maskLow: UInt64
  let family: AddressFamily

  /// Covers nothing: what an unused place holds.
  init() {
    (high, low, maskHigh, maskLow, family) = (~0, ~0, 0, 0, .ipv6)
  }

  init(_ prefix: Prefix) {
    let bits = prefix.address.family == .ipv4 ? Int(prefix.length) + 96 : Int(prefix.length)
    maskHigh = bits >= 64 ? ~0 : bits == 0 ? 0 : ~0 << (64 - UInt64(bits))
    maskLow = bits <= 64 ? 0 : ~0 << (128 - UInt64(bits))
    high = prefix.address.high
    low = prefix.address.low
    family = prefix.address.family
  }

  @inline(__always)
  func contains(_ address: IPAddress) -> Bool {
    ((address.high & maskHigh) ^ high) | ((address.low & maskLow) ^ low) == 0 && address.family == family
  }
}

/// The fields of a port that stages read.
struct PortFacts: BitwiseCopyable {
  var kinds: PortKinds = []
  var mac = MACAddress(0)
  var mtu: Int = 0
}

/// `PlaneSettings` as plain arrays: no reference count, no allocation within a turn.
struct HotSettings: ~Copyable {
  /// 63 tunnel end points, the most a configuration may list, and a router address of each family.
  private let local = FixedArray<65, IPAddress>(repeating: IPAddress(ipv6High: 0, low: 0))
  private let localCount: Int
  private let pools = FixedArray<64, PrefixMask>(repeating: PrefixMask())
  private let poolCount: Int
  let ports = FixedArray<8, PortFacts>(repeating: PortFacts())
  let localRouting: Bool
  let poolSourcesAllowed: Bool
  let answersUnbound: Bool
  let homeAgentDiscovery: Bool
  let labelsFlows: Bool
  let flowLabelKey: FlowLabelKey

  /// - Precondition: the counts are within the arrays' sizes (the configuration checks them with a message).
  init(_ settings: PlaneSettings) {
    precondition(settings.localAddresses.count <= local.count)
    precondition(settings.pools.count <= pools.count)
    // Also a port's bound elsewhere: `Worker.dispatch` masks with it.
    precondition(settings.ports.count <= ports.count && ports.count == PlaneSettings.maximumPorts)
    localRouting = settings.localRouting
    poolSourcesAllowed = settings.poolSourcesAllowed
    answersUnbound = settings.answersUnbound
    homeAgentDiscovery = settings.homeAgentDiscovery
    labelsFlows = settings.flowLabelKey != nil
    flowLabelKey = settings.flowLabelKey ?? FlowLabelKey(first: 0, second: 0)
    localCount = settings.localAddresses.count
    for (index, address) in settings.localAddresses.enumerated() { local[index] = address }
    poolCount = settings.pools.count
    for (index, pool) in settings.pools.enumerated() { pools[index] = PrefixMask(pool) }
    for (index, port) in settings.ports.enumerated() {
      ports[index] = PortFacts(kinds: port.kinds, mac: port.mac, mtu: port.mtu)
    }
  }

  /// A handful of compares on one or two cache lines; a hash would cost more at these sizes.
  @inline(__always)
  func isLocal(_ address: IPAddress) -> Bool {
    var index = 0
    while index < localCount {
      let candidate = local[index]
      if (candidate.high ^ address.high) | (candidate.low ^ address.low) == 0 && candidate.family == address.family {
        return true
      }
      index &+= 1
    }
    return false
  }

  @inline(__always)
  func isInPool(_ address: IPAddress) -> Bool {
    var index = 0
    while index < poolCount {
      if pools[index].contains(address) { return true }
      index &+= 1
    }
    return false
  }
}

/// What the stages of one batch need and do not change.
@safe
struct TurnContext: ~Copyable {
  let settings: HotSettings
  /// First octet of the UMEM; every frame address is an offset from it.
  let memory: UnsafeMutableRawPointer
  /// Chunk size less one: an address's low bits say how much headroom a frame has.
  let chunkMask: UInt64
  /// One version of the tables for the whole turn (RSPOOF-2).
  var snapshot: TableSnapshot
  /// The port the batch came from.
  var port: UInt8 = 0
  var kinds: PortKinds = []
  /// For what a stage sees and no verdict tells.
  let counters: WorkerCounters
  /// This worker's cells of tunnels and bindings.
  let traffic: TrafficCounters
  /// Packets of mobile nodes in handover; stages only ask it, the worker fills and empties it.
  var handover: HandoverBuffer

  init(
    settings: consuming HotSettings, memory: UnsafeMutableRawPointer, chunkMask: UInt64, snapshot: TableSnapshot,
    counters: WorkerCounters, traffic: TrafficCounters, handover: consuming HandoverBuffer
  ) {
    self.settings = settings
    // Safe: the memory's owner outlives the worker (`Worker.init`).
    unsafe self.memory = memory
    self.chunkMask = chunkMask
    self.snapshot = snapshot
    self.counters = counters
    self.traffic = traffic
    self.handover = handover
  }

  /// Starts loading the cell that the worker will count a binding's packet in: of a million bindings it is surely cold.
  /// With the work on other packets between: a burst for a whole batch would fill the processor's miss buffers.
  @inline(__always)
  func prefetchTraffic(of binding: BindingEntry) {
    // Safe: a prefetch of a cell of the table's own mapping.
    unsafe fp_prefetch_write(traffic.cell(binding: binding.counter))
  }

  @inline(__always)
  func frame(at address: UInt64) -> FrameView {
    // Safe: addresses come from rings of this memory.
    unsafe FrameView(base: memory, address: address)
  }
}
