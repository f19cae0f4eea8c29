import CXdp

/// The C surface's facts about interfaces, in Swift terms.
enum SystemInterface {
  static func facts(of name: String) throws -> fp_interface {
    var facts = fp_interface()
    // The name is a C string for the call's duration, `facts` is this frame's own.
    try SystemFailure.check("fp_interface_info(\(name))", unsafe fp_interface_info(name, &facts))
    return facts
  }

  static func queues(of name: String) throws -> UInt32 {
    var queues: UInt32 = 0
    // As above.
    try SystemFailure.check("fp_interface_queues(\(name))", unsafe fp_interface_queues(name, &queues))
    return queues
  }

  static func driver(_ facts: fp_interface) -> String {
    // The tuple is 32 octets, NUL-terminated by interface.c.
    unsafe withUnsafeBytes(of: facts.driver) { octets in
      unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
