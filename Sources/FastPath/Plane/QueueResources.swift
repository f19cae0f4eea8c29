import CXdp

/// What one worker owns in the kernel: memory registered as UMEM, and a socket on its queue of every port.
///
/// Built and torn down on the control side; the worker's thread only borrows it. Teardown order is the kernel's:
/// sockets, then UMEM, then memory.
@safe
final class QueueResources {
  let memory: PacketMemory
  let rings: UnsafeMutablePointer<fp_rings>
  let portCount: Int
  /// The worker never sleeps, and its system calls receive where the kernel knows what to poll.
  let pollsBusily: Bool
  private var sockets: [OpaquePointer] = unsafe []
  private var umem: OpaquePointer?

  /// Opens everything for `queue`, or throws with nothing left open.
  init(configuration: LiveConfiguration, queue: Int) throws(PlaneError) {
    portCount = configuration.interfaces.count
    pollsBusily = configuration.busyPoll != nil
    // Both rings of every port full, and a batch in hand.
    let frames = portCount * 2 * Int(XskPort.ringSize) + 2 * PacketBatch.capacity
    memory = try PacketMemory(frames: frames, chunkSize: try Self.chunkSize(configuration.settings))
    // Safe: one element a port, at a fixed address until deinit, as libxdp requires.
    unsafe rings = .allocate(capacity: portCount)
    unsafe rings.initialize(repeating: fp_rings(), count: portCount)
    try register()
    for port in 0..<portCount { try open(port: port, queue: queue, configuration: configuration) }
  }

  deinit {
    // Safe: each was opened by this object and is closed once; the worker has ended by contract.
    for position in unsafe sockets.indices.reversed() { unsafe fp_socket_close(sockets[position]) }
    if let umem = unsafe umem { _ = unsafe fp_umem_destroy(umem) }
    unsafe rings.deallocate()
  }

  /// One chunk size for all ports, since they share the memory.
  private static func chunkSize(_ settings: PlaneSettings) throws(PlaneError) -> Int {
    var size = 2048
    for port in settings.ports {
      guard let needed = PacketMemory.chunkSize(mtu: port.mtu) else {
        let largest = 4096 - PacketMemory.headroom - EthernetHeader.length - 2 * EthernetHeader.tagLength
        throw .mtuTooLarge(port: port.name, mtu: port.mtu, largest: largest)
      }
      size = max(size, needed)
    }
    return size
  }

  private func register() throws(PlaneError) {
    var config = fp_umem_config(
      frame_size: UInt32(memory.chunkSize), frame_headroom: 0, fill_size: XskPort.ringSize,
      completion_size: XskPort.ringSize)
    // Safe: the memory outlives the UMEM (deinit order), and the rings keep their address.
    let status = unsafe fp_umem_create(memory.base, UInt64(memory.size), &config, rings, &umem)
    guard status >= 0 else { throw .environment(operation: "register packet memory with AF_XDP", code: -status) }
  }

  private func open(port: Int, queue: Int, configuration: LiveConfiguration) throws(PlaneError) {
    let isGeneric = configuration.mode == .generic
    let zeroCopy: UInt8 =
      switch configuration.mode {
      case .auto: UInt8(FP_ZERO_COPY_TRY)
      case .zeroCopy: UInt8(FP_ZERO_COPY_ONLY)
      case .copy, .generic: UInt8(FP_ZERO_COPY_NEVER)
      }
    var config = fp_socket_config(
      rx_size: XskPort.ringSize, tx_size: XskPort.ringSize, fill_size: XskPort.ringSize,
      completion_size: XskPort.ringSize, queue: UInt32(queue), zero_copy: zeroCopy, generic: isGeneric ? 1 : 0,
      first: port == 0 ? 1 : 0)
    var socket: OpaquePointer?
    let interface = configuration.interfaces[port]
    // Safe: `umem` was created by `register`; `rings` has an element for every port.
    let status = unsafe fp_socket_open(umem, interface, &config, rings + port, &socket)
    guard status >= 0, let socket = unsafe socket else {
      let operation = "open an AF_XDP socket on \(interface) queue \(queue) (mode \(configuration.mode.rawValue))"
      throw .environment(operation: operation, code: -status)
    }
    unsafe sockets.append(socket)
    guard let budget = configuration.busyPoll else { return }
    let polling = fp_socket_poll_busily(descriptor(port: port), UInt32(budget))
    guard polling >= 0 else { throw .busyPoll(interface: interface, queue: queue, code: -polling) }
  }

  func descriptor(port: Int) -> Int32 {
    // Safe: the socket is open until deinit.
    unsafe fp_socket_fd(sockets[port])
  }
}
