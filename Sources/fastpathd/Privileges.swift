import SystemPackage

/// The capabilities without which nothing here works, looked at before anything is touched.
enum Privileges {
  private static let needed: [(bit: UInt64, name: String, reason: String)] = [
    (12, "CAP_NET_ADMIN", "attach XDP programs and open TUN interfaces"),
    (13, "CAP_NET_RAW", "open AF_XDP sockets"),
    (39, "CAP_BPF", "load XDP programs"),
  ]
  /// CAP_SYS_ADMIN stands for CAP_BPF (capabilities(7)).
  private static let systemAdministration: UInt64 = 21

  /// - Throws: status 2 naming what is missing and what to do.
  static func require() throws(ExitFailure) {
    let effective = try effectiveCapabilities()
    let missing = needed.filter { capability in
      let stands = capability.name == "CAP_BPF" && has(effective, systemAdministration)
      return !has(effective, capability.bit) && !stands
    }
    guard !missing.isEmpty else { return }
    let names = missing.map { "\($0.name) (to \($0.reason))" }.joined(separator: ", ")
    throw .environment(
      "fastpathd: missing privilege: \(names); start it as root, or with these capabilities (systemd: AmbientCapabilities=)"
    )
  }

  private static func has(_ capabilities: UInt64, _ bit: UInt64) -> Bool { capabilities >> bit & 1 == 1 }

  /// `CapEff` of /proc/self/status. Being root says little: a container's root may have none of these.
  private static func effectiveCapabilities() throws(ExitFailure) -> UInt64 {
    guard let text = ProcessFacts.statusField("CapEff"), let capabilities = UInt64(text, radix: 16) else {
      throw .environment("fastpathd: cannot read the capabilities of this process from /proc/self/status; mount /proc")
    }
    return capabilities
  }
}
