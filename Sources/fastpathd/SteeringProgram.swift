import CXdp
import ControlPlane
import FastPath
import FlowTable
import Glibc

/// The loaded XDP program with its maps; everything of it is gone when the process is.
///
/// Attaching and closing happen on the main thread; map updates on the writer thread and counter reads anywhere: those
/// are system calls on descriptors that do not change after the load.
@safe
final class SteeringProgram: Sendable {
  /// Valid from `init` to `close`; libbpf's object behind it is only changed by attach and detach, on one thread.
  private nonisolated(unsafe) let program: OpaquePointer

  /// Loads the program; nothing is attached yet.
  /// - Throws: status 2 with the kernel's reason.
  init() throws(ExitFailure) {
    var program: OpaquePointer?
    // An out parameter of this frame.
    let status = unsafe fp_program_load(&program)
    guard status >= 0, let program = unsafe program else {
      throw .environment(
        "fastpathd: the kernel refuses the steering program: \(errorText(-status)); Linux 5.11 or later with BPF, XDP "
          + "sockets and CAP_BPF is needed")
    }
    unsafe self.program = program
  }

  /// Detaches everywhere and frees maps. Nobody may use this object afterwards.
  // The pointer is the one of `init`, given up here once.
  func close() { unsafe fp_program_close(program) }

  /// Enters what the configuration alone determines.
  func configure(_ settings: PlaneSettings, _ ports: [PortFacts]) throws(ExitFailure) {
    for (position, port) in ports.enumerated() {
      var value = fp_port_value(UInt32(position), port.kinds.rawValue, port.mac.value)
      try check(
        "enter port \(port.name) into the steering program", unsafe fp_program_set_port(program, port.index, &value))
    }
    for address in settings.localAddresses {
      var key = fp_address_key(address.family.rawValue, address.high, address.low)
      try check("enter local address \(address)", unsafe fp_program_set_local(program, &key, 1))
    }
    for pool in settings.pools {
      var key = Self.key(pool)
      try check("enter pool \(pool)", unsafe fp_program_set_pool(program, &key, 1))
    }
  }

  /// Enters the workers' sockets.
  func connect(_ sockets: [SocketFacts]) throws(ExitFailure) {
    for socket in sockets {
      let status = unsafe fp_program_set_socket(program, UInt32(socket.port), UInt32(socket.queue), socket.descriptor)
      try check("enter the socket of port \(socket.port) queue \(socket.queue)", status)
    }
  }

  /// - Throws: status 2 with a remedy for what usually stands in the way.
  func attach(_ port: PortFacts, isGeneric: Bool) throws(ExitFailure) {
    let status = unsafe fp_program_attach(program, port.index, isGeneric ? 1 : 0)
    guard status < 0 else { return }
    let remedy =
      switch -status {
      case EBUSY, EEXIST: "another XDP program is attached; remove it with `ip link set \(port.interface) xdp off`"
      case EOPNOTSUPP: "the driver \(port.driver) has no native XDP; set `mode: generic`"
      case EINVAL, ERANGE, E2BIG:
        "the driver \(port.driver) refuses (MTU \(port.interfaceMTU), LRO or queues); lower the MTU or set "
          + "`mode: generic`"
      default: "see the kernel's log"
      }
    throw .environment("fastpathd: cannot attach to \(port.interface): \(errorText(-status)); \(remedy)")
  }

  func detach(_ port: PortFacts) -> Int32 { unsafe fp_program_detach(program, port.index) }

  /// Packets of a port by `SteerReason`, summed over CPUs; zeros if the map cannot be read.
  func counters(port: Int) -> [UInt64] {
    var counters = [UInt64](repeating: 0, count: Int(STEER_REASONS))
    // The array has the STEER_REASONS elements that the call writes.
    _ = unsafe fp_program_counters(program, UInt32(port), &counters)
    return counters
  }

  private func check(_ what: String, _ status: Int32) throws(ExitFailure) {
    if status < 0 { throw .environment("fastpathd: cannot \(what): \(errorText(-status))") }
  }

  fileprivate static func key(_ prefix: Prefix) -> steer_prefix {
    fp_prefix_key(prefix.family.rawValue, prefix.address.high, prefix.address.low, prefix.length)
  }
}

extension SteeringProgram: SteeringTable {
  func setSource(_ prefix: Prefix, _ kind: ControlPlane.SteeringSource?) throws(SteeringError) {
    var key = Self.key(prefix)
    // Key and value of this frame, read during the call.
    let status: Int32
    switch kind {
    case .bound:
      var value = steer_source(kind: UInt8(STEER_SOURCE_BOUND), port: 0)
      status = unsafe fp_program_set_source(program, &key, &value)
    case .visitor(let port):
      var value = steer_source(kind: UInt8(STEER_SOURCE_VISITOR), port: port)
      status = unsafe fp_program_set_source(program, &key, &value)
    case nil: status = unsafe fp_program_set_source(program, &key, nil)
    }
    try refuse("source \(prefix)", status)
  }

  private func refuse(_ what: String, _ status: Int32) throws(SteeringError) {
    guard status < 0 else { return }
    let reason = -status == E2BIG || -status == ENOSPC ? "its map is full" : errorText(-status)
    throw SteeringError(reason: "\(what): \(reason)")
  }
}
