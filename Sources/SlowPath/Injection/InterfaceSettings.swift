import SystemPackage

/// The per-interface switches under /proc/sys/net of the calling thread's network namespace.
struct InterfaceSettings {
  let interface: String

  /// Makes an injection interface accept whatever source a packet has, and say nothing of its own.
  ///
  /// A switch that does not exist (no IPv6, an older kernel) or may not be written (read-only /proc in a container) is
  /// left as it is: the interface works, it only chats, or drops IPv4 sources that the kernel would route elsewhere.
  func quieten() {
    // The kernel uses the larger of the `all` and the interface's value (IN_DEV_RPFILTER): with a strict `all` (1) only
    // loose mode (2) on the interface relaxes the check, without it 0 turns the check off.
    write("ipv4/conf/\(interface)/rp_filter", filtersReversePaths ? "2" : "0")
    // No link-local address, no router solicitations, no advertisements taken: nobody is behind this interface.
    write("ipv6/conf/\(interface)/addr_gen_mode", "1")
    write("ipv6/conf/\(interface)/router_solicitations", "0")
    write("ipv6/conf/\(interface)/accept_ra", "0")
  }

  /// Whether reverse path filtering is on for the whole namespace, so that no interface can be without.
  var filtersReversePaths: Bool { (read("ipv4/conf/all/rp_filter") ?? "0") != "0" }

  private func read(_ path: String) -> String? {
    guard let file = try? FileDescriptor.open(FilePath("/proc/sys/net/" + path), .readOnly) else { return nil }
    let octets = try? file.closeAfter {
      try unsafe [UInt8](unsafeUninitializedCapacity: 64) { room, count in
        // The buffer's own room; the count is what the kernel says it filled.
        count = try unsafe file.read(into: UnsafeMutableRawBufferPointer(room))
      }
    }
    return octets.map { String(decoding: $0.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self) }
  }

  private func write(_ path: String, _ value: String) {
    guard let file = try? FileDescriptor.open(FilePath("/proc/sys/net/" + path), .writeOnly) else { return }
    _ = try? file.closeAfter { try file.writeAll(value.utf8) }
  }
}
