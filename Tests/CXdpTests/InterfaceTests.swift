import CXdp
import Foundation
import Testing

/// Facts about interfaces, against what iproute2 was told.
@Suite struct InterfaceTests {
  @Test func factsAreWhatTheInterfaceWasGiven() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.command(
        "ip link add fp-a numrxqueues 3 numtxqueues 3 address 02:00:00:00:0c:02 type veth peer name fp-b")
      try PrivateNetwork.command("ip link set fp-a mtu 1490")
      var facts = try SystemInterface.facts(of: "fp-a")
      #expect(facts.mtu == 1490 && facts.up == 0 && facts.ethernet == 1)
      // Six octets, a tuple in Swift.
      #expect(unsafe withUnsafeBytes(of: facts.mac) { unsafe Array($0) } == [2, 0, 0, 0, 0x0c, 2])
      #expect(SystemInterface.driver(facts) == "veth")
      #expect(facts.rx_queues == 3)
      #expect(try SystemInterface.queues(of: "fp-a") == 3)
      // The C library's own answer, from the same thread's namespace; the name is a C string for the call.
      let index = unsafe if_nametoindex("fp-a")
      #expect(facts.index == index)
      try PrivateNetwork.command("ip link set fp-a up")
      facts = try SystemInterface.facts(of: "fp-a")
      #expect(facts.up == 1)
      // A bridge has no channels to report.
      try PrivateNetwork.command("ip link add fp-br type bridge")
      #expect(try SystemInterface.queues(of: "fp-br") == 1)
      #expect(try SystemInterface.facts(of: "lo").ethernet == 0)
    }
  }

  @Test func absentAndImpossibleNamesAreNoDevice() throws {
    try PrivateNetwork.run {
      for name in ["fp-none", "", "a-name-far-longer-than-sixteen-octets"] {
        let failure = #expect(throws: SystemFailure.self) { try SystemInterface.facts(of: name) }
        #expect(failure?.code == -ENODEV, "\(name)")
        #expect(throws: SystemFailure.self) { try SystemInterface.queues(of: name) }
      }
    }
  }

  @Test func aThreadIsPinnedToTheCPUAskedFor() async {
    // On a thread of its own: the test's would stay pinned.
    let (results, mask) = await withCheckedContinuation { continuation in
      Thread {
        let results = [fp_pin_thread(-1), fp_pin_thread(1 << 20), fp_pin_thread(0)]
        // The kernel's own word about the calling thread.
        let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        continuation.resume(returning: (results, mask.map { String($0.dropFirst(18).drop { $0 == "\t" }) }))
      }.start()
    }
    #expect(results == [-EINVAL, -EINVAL, 0])
    #expect(mask == "0")
  }

  @Test func aThreadLeavesTheCPUsOfOthersUnlessThereAreNoMore() async {
    let (results, masks) = await withCheckedContinuation { continuation in
      Thread {
        var masks = [Self.allowedCPUs()]
        // The lowest one, numbers that no CPU has, and then all that are left.
        let lowest = masks[0] & (~masks[0] &+ 1)
        var results: [Int32] = []
        for leaving in [lowest, ~lowest] {
          let cpus = (0..<Int32(64)).filter { leaving >> UInt64($0) & 1 == 1 } + [-1, 1 << 20]
          results.append(unsafe fp_leave_cpus(cpus, Int32(cpus.count)))
          masks.append(Self.allowedCPUs())
        }
        continuation.resume(returning: (results, masks))
      }.start()
    }
    let rest = masks[0] & (masks[0] &- 1)
    // Without a second CPU there is nothing to leave the first one for.
    #expect(results == (rest == 0 ? [0, 1] : [1, 0]))
    #expect(Array(masks.dropFirst()) == (rest == 0 ? [masks[0], masks[0]] : [rest, rest]))
  }

  /// The CPUs of the calling thread, the lowest 64, by the kernel's own word.
  private static func allowedCPUs() -> UInt64 {
    let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") } ?? ""
    let digits = line.dropFirst(13).filter(\.isHexDigit)
    return UInt64(digits.suffix(16), radix: 16) ?? 0
  }
}
