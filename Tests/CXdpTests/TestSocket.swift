import CXdp
import Glibc

/// A registered packet memory of 2048-octet frames with its first rings, destroyed with this object.
@safe final class TestMemory {
  static let frameSize = 2048

  let frames: Int
  let ringSize: UInt32
  // Mapped and registered in init, unmapped in deinit after the last socket: sockets hold this object.
  fileprivate let area: UnsafeMutableRawPointer
  fileprivate let firstRings: UnsafeMutablePointer<fp_rings>
  fileprivate let umem: OpaquePointer

  init(frames: Int, ringSize: UInt32) throws {
    self.frames = frames
    self.ringSize = ringSize
    // An anonymous mapping of whole pages; MAP_FAILED is checked next.
    let mapped = unsafe mmap(
      nil, frames * Self.frameSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw SystemFailure(call: "mmap", code: -errno)
    }
    unsafe area = mapped
    unsafe firstRings = .allocate(capacity: 1)
    var config = fp_umem_config(
      frame_size: UInt32(Self.frameSize), frame_headroom: 0, fill_size: ringSize, completion_size: ringSize)
    var umem: OpaquePointer?
    let result = unsafe fp_umem_create(area, UInt64(frames * Self.frameSize), &config, firstRings, &umem)
    guard result == 0, let umem = unsafe umem else { throw SystemFailure(call: "fp_umem_create", code: result) }
    unsafe self.umem = umem
  }

  deinit {
    unsafe fp_umem_destroy(umem)
    unsafe firstRings.deallocate()
    unsafe munmap(area, frames * Self.frameSize)
  }

  /// Addresses of the first `count` frames.
  static func starts(_ count: Int) -> [UInt64] { (0..<count).map { UInt64($0 * frameSize) } }

  /// The frame that `address` lies in.
  static func start(_ address: UInt64) -> UInt64 { address / UInt64(frameSize) * UInt64(frameSize) }

  /// -EBUSY while sockets exist; nothing is destroyed then.
  func tryToDestroy() -> Int32 { unsafe fp_umem_destroy(umem) }

  func octets(at address: UInt64, count: Int) -> [UInt8] {
    precondition(Int(address) + count <= frames * Self.frameSize)
    // In bounds by the line above, and mapped as long as self.
    return unsafe Array(UnsafeRawBufferPointer(start: area + Int(address), count: count))
  }

  func write(_ octets: [UInt8], at address: UInt64) {
    precondition(Int(address) + octets.count <= frames * Self.frameSize)
    // In bounds by the line above, and mapped as long as self.
    unsafe (area + Int(address)).copyMemory(from: octets, byteCount: octets.count)
  }
}

/// One AF_XDP socket, closed with this object or by `close()`.
@safe final class TestSocket {
  let memory: TestMemory
  let descriptor: Int32
  private let isFirst: Bool
  // Allocated in init (or the memory's own), freed in deinit after the socket is closed.
  let rings: UnsafeMutablePointer<fp_rings>
  private var socket: OpaquePointer?

  init(
    _ memory: TestMemory, interface: String, first: Bool, queue: UInt32 = 0, mode: Int32 = FP_ZERO_COPY_TRY,
    generic: Bool = false, fillSize: UInt32? = nil
  ) throws {
    self.memory = memory
    isFirst = first
    unsafe rings = first ? memory.firstRings : .allocate(capacity: 1)
    var config = fp_socket_config(
      rx_size: memory.ringSize, tx_size: memory.ringSize, fill_size: fillSize ?? memory.ringSize,
      completion_size: memory.ringSize, queue: queue, zero_copy: UInt8(mode), generic: generic ? 1 : 0,
      first: first ? 1 : 0)
    var socket: OpaquePointer?
    let result = unsafe fp_socket_open(memory.umem, interface, &config, rings, &socket)
    guard result == 0, let opened = unsafe socket else {
      if !first { unsafe rings.deallocate() }
      throw SystemFailure(call: "fp_socket_open(\(interface))", code: result)
    }
    unsafe self.socket = opened
    descriptor = unsafe fp_socket_fd(opened)
  }

  deinit {
    close()
    if !isFirst { unsafe rings.deallocate() }
  }

  func close() {
    if let open = unsafe socket { unsafe fp_socket_close(open) }
    unsafe socket = nil
  }

  /// Gives frames to the kernel for reception; false if the ring has no room for all.
  func fill(_ addresses: some Collection<UInt64>) -> Bool {
    var index: UInt32 = 0
    let count = UInt32(addresses.count)
    guard unsafe fp_fill_reserve(rings, count, &index) == count else { return false }
    for (offset, address) in addresses.enumerated() {
      unsafe fp_fill_set(rings, index &+ UInt32(offset), address)
    }
    unsafe fp_fill_submit(rings, count)
    return true
  }

  /// Address and length of every received packet.
  func receive(atMost limit: UInt32) -> [(address: UInt64, length: UInt32)] {
    var index: UInt32 = 0
    let count = unsafe fp_rx_peek(rings, limit, &index)
    let packets = (0..<count).map {
      unsafe (fp_rx_address(rings, index &+ $0), fp_rx_length(rings, index &+ $0))
    }
    unsafe fp_rx_release(rings, count)
    return packets
  }

  /// Queues packets and makes the kernel send them; false if the ring has no room for all.
  func send(_ packets: [(address: UInt64, length: UInt32)]) throws -> Bool {
    var index: UInt32 = 0
    let count = UInt32(packets.count)
    guard unsafe fp_tx_reserve(rings, count, &index) == count else { return false }
    for (offset, packet) in packets.enumerated() {
      unsafe fp_tx_set(rings, index &+ UInt32(offset), packet.address, packet.length)
    }
    unsafe fp_tx_submit(rings, count)
    // EAGAIN, EBUSY, ENOBUFS: the kernel sent a part (32 a call in copy mode), the caller kicks again.
    let result = fp_socket_kick_tx(descriptor)
    if result < 0, ![-EAGAIN, -EBUSY, -ENOBUFS].contains(result) { throw SystemFailure(call: "kick_tx", code: result) }
    return true
  }

  /// Addresses whose transmission is over.
  func complete(atMost limit: UInt32) -> [UInt64] {
    var index: UInt32 = 0
    let count = unsafe fp_completion_peek(rings, limit, &index)
    let addresses = (0..<count).map { unsafe fp_completion_address(rings, index &+ $0) }
    unsafe fp_completion_release(rings, count)
    return addresses
  }

  func statistics() throws -> xdp_statistics {
    var statistics = xdp_statistics()
    try SystemFailure.check("statistics", unsafe fp_socket_statistics(descriptor, &statistics))
    return statistics
  }
}
