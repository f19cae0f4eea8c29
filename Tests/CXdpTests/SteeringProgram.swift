import CXdp
import FastPath
import FlowTable

/// A negative errno of the C surface as an error.
struct SystemFailure: Error, CustomStringConvertible {
  let call: String
  let code: Int32
  var description: String { "\(call): \(code)" }

  static func check(_ call: String, _ result: Int32) throws {
    if result < 0 { throw SystemFailure(call: call, code: result) }
  }
}

/// The loaded XDP program, closed with this object.
@safe final class SteeringProgram {
  static let pass: UInt32 = 2
  static let redirect: UInt32 = 4

  // Owned here from load to deinit; every call below hands it out only for the call's duration.
  private let handle: OpaquePointer

  init() throws {
    var log = [CChar](repeating: 0, count: 1 << 20)
    var handle: OpaquePointer?
    let result = unsafe fp_program_load_logged(&handle, &log, UInt32(log.count))
    guard result == 0, let handle = unsafe handle else {
      let words = log.prefix { $0 != 0 }.suffix(2000)
      throw SystemFailure(
        call: "fp_program_load: \(String(decoding: words.map { UInt8(bitPattern: $0) }, as: UTF8.self))", code: result)
    }
    unsafe self.handle = handle
  }

  deinit { unsafe fp_program_close(handle) }

  func attach(_ interface: UInt32, generic: Bool = false) throws {
    try SystemFailure.check("attach", unsafe fp_program_attach(handle, interface, generic ? 1 : 0))
  }

  func detach(_ interface: UInt32) throws {
    try SystemFailure.check("detach", unsafe fp_program_detach(handle, interface))
  }

  func setPort(_ interface: UInt32, index: Int, mac: MACAddress, kinds: PortKinds) throws {
    var value = fp_port_value(UInt32(index), kinds.rawValue, mac.value)
    try SystemFailure.check("set_port", unsafe fp_program_set_port(handle, interface, &value))
  }

  func removePort(_ interface: UInt32) throws {
    try SystemFailure.check("set_port", unsafe fp_program_set_port(handle, interface, nil))
  }

  func setSocket(port: Int, queue: Int = 0, descriptor: Int32) throws {
    let result = unsafe fp_program_set_socket(handle, UInt32(port), UInt32(queue), descriptor)
    try SystemFailure.check("set_socket", result)
  }

  func setLocal(_ address: IPAddress, present: Bool) throws {
    var key = fp_address_key(address.family.rawValue, address.high, address.low)
    try SystemFailure.check("set_local", unsafe fp_program_set_local(handle, &key, present ? 1 : 0))
  }

  func setPool(_ prefix: Prefix, present: Bool) throws {
    var key = Self.key(prefix)
    try SystemFailure.check("set_pool", unsafe fp_program_set_pool(handle, &key, present ? 1 : 0))
  }

  func setSource(_ prefix: Prefix, kind: SteeringSource?) throws {
    var key = Self.key(prefix)
    guard let kind else {
      return try SystemFailure.check("set_source", unsafe fp_program_set_source(handle, &key, nil))
    }
    var value =
      switch kind {
      case .bound: steer_source(kind: UInt8(STEER_SOURCE_BOUND), port: 0)
      case .visitor(let port): steer_source(kind: UInt8(STEER_SOURCE_VISITOR), port: UInt8(port))
      }
    try SystemFailure.check("set_source", unsafe fp_program_set_source(handle, &key, &value))
  }

  func counters(port: Int) throws -> [UInt64] {
    var counters = [UInt64](repeating: 0, count: Int(STEER_REASONS))
    try SystemFailure.check("counters", unsafe fp_program_counters(handle, UInt32(port), &counters))
    return counters
  }

  /// The XDP action for `frame` (14 octets or more) arriving on queue 0 of `interface`.
  func verdict(_ frame: [UInt8], interface: UInt32) throws -> UInt32 {
    var verdict: UInt32 = .max
    let result = unsafe fp_program_test_run(handle, frame, UInt32(frame.count), interface, &verdict)
    try SystemFailure.check("test_run", result)
    return verdict
  }

  private static func key(_ prefix: Prefix) -> steer_prefix {
    fp_prefix_key(prefix.family.rawValue, prefix.address.high, prefix.address.low, prefix.length)
  }
}
