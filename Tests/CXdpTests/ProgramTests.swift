import CXdp
import FastPath
import FlowTable
import Foundation
import Testing

/// The program in the kernel: what it does with nothing to go by, and how it comes onto an interface and off it.
@Suite struct ProgramTests {
  private static let mac = MACAddress(0x0200_0000_0c02)

  @Test func emptyMapsPassEverythingUncounted() throws {
    let fixtures = try SteeringFixture.load()
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let interface = try SystemInterface.facts(of: "fp-a").index
      let program = try SteeringProgram()
      for fixture in fixtures {
        #expect(try program.verdict(fixture.frame, interface: interface) == SteeringProgram.pass, "\(fixture)")
      }
      for port in 0..<Int(STEER_MAX_PORTS) { #expect(try program.counters(port: port).allSatisfy { $0 == 0 }) }
    }
  }

  /// The daemon's order at its end: sockets go first or die with it, tables are still full.
  @Test func aSocketThatDiedPassesAndIsCounted() throws {
    let fixture = try SteeringFixture.named("lma/core: core to a home network prefix")
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let interface = try SystemInterface.facts(of: "fp-a").index
      let program = try SteeringProgram()
      try program.setPort(interface, index: 9, mac: Self.mac, kinds: .core)
      try program.setPool(try #require(Prefix(text: "2001:db8:100::/48")), present: true)
      var reasons: [SteerReason] = []
      func probe() throws {
        let before = try program.counters(port: 9)
        let verdict = try program.verdict(fixture.frame, interface: interface)
        let moved = zip(try program.counters(port: 9), before).map { $0 - $1 }
        let reason = try #require(moved.firstIndex(of: 1).flatMap { SteerReason(rawValue: UInt32($0)) })
        reasons.append(reason)
        #expect(verdict == (reason == .redirected ? SteeringProgram.redirect : SteeringProgram.pass))
      }
      try probe()
      var socket: TestSocket? = try TestSocket(TestMemory(frames: 64, ringSize: 64), interface: "fp-a", first: true)
      try program.setSocket(port: 9, descriptor: try #require(socket?.descriptor))
      try probe()
      // Descriptor and memory go, as the kernel does it for a killed process; nobody touches the map.
      socket = nil
      // Another test's child process may hold a copy of the descriptor until its exec.
      for _ in 0..<1000 where reasons.last == .redirected || reasons.count == 2 {
        try probe()
        usleep(1000)
      }
      #expect(reasons.first == .noSocket && reasons[1] == .redirected && reasons.last == .noSocket)
    }
  }

  @Test func everyTableEntryCanBeTakenBack() throws {
    try PrivateNetwork.run {
      let world = try SteeringWorld()
      let (lma, mag) = (world.lma.program, world.mag.program)
      for present in [true, false, false] {
        try lma.setLocal(try #require(IPAddress(text: "2001:db8:1::9")), present: present)
        try lma.setPool(try #require(Prefix(text: "2001:db8:300::/40")), present: present)
        try mag.setSource(try #require(Prefix(text: "2001:db8:300::/64")), kind: present ? .bound : nil)
      }
      let downlink = try SteeringFixture.named("lma/core: core to a home network prefix")
      #expect(try world.lma.decideInKernel(downlink.frame, port: 0) != nil)
      try lma.removePort(world.lma.interfaces[0])
      try lma.removePort(world.lma.interfaces[0])
      // An interface that is no port any more passes uncounted.
      #expect(try world.lma.decideInKernel(downlink.frame, port: 0) == nil)
      #expect(try lma.verdict(downlink.frame, interface: world.lma.interfaces[0]) == SteeringProgram.pass)
      #expect(throws: SystemFailure.self) { try lma.setSocket(port: Int(STEER_MAX_PORTS), descriptor: -1) }
      #expect(throws: SystemFailure.self) { try lma.setSocket(port: 0, queue: Int(STEER_MAX_QUEUES), descriptor: -1) }
      #expect(throws: SystemFailure.self) {
        try lma.setPort(1, index: Int(STEER_MAX_PORTS), mac: Self.mac, kinds: .core)
      }
    }
  }

  @Test func attachesNativelyAndLeavesNothingBehind() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let interface = try SystemInterface.facts(of: "fp-a").index
      var program: SteeringProgram? = try SteeringProgram()
      try program?.attach(interface)
      // iproute2 says "xdp" for native and "xdpgeneric" for generic mode.
      try PrivateNetwork.command("ip -d link show fp-a | grep -q 'prog/xdp .*name fastpath_steer'")
      try PrivateNetwork.command("! ip link show fp-a | grep -q xdpgeneric")
      #expect(throws: SystemFailure.self) { try program?.attach(interface) }
      // A second daemon must not take the interface over silently.
      #expect(throws: SystemFailure.self) { try SteeringProgram().attach(interface) }
      try program?.detach(interface)
      try PrivateNetwork.command("! ip link show fp-a | grep -q xdp")
      #expect(throws: SystemFailure.self) { try program?.detach(interface) }
      try program?.attach(interface, generic: true)
      try PrivateNetwork.command("ip link show fp-a | grep -q xdpgeneric")
      program = nil
      try PrivateNetwork.command("! ip link show fp-a | grep -q xdp")
    }
  }

  /// Asked for native mode, an interface whose driver has none is an error and never becomes generic.
  @Test func nativeModeIsNeverGenericSilently() throws {
    try PrivateNetwork.run {
      let program = try SteeringProgram()
      // The loopback interface has no XDP of its own.
      let loopback = try SystemInterface.facts(of: "lo").index
      #expect(throws: SystemFailure.self) { try program.attach(loopback) }
      try PrivateNetwork.command("! ip link show lo | grep -q xdp")
      try program.attach(loopback, generic: true)
    }
  }

  @Test func emergencyDetachTakesOnlyOurProgram() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let interface = try SystemInterface.facts(of: "fp-a").index
      #expect(fp_detach_interface(interface) == -ENOENT)
      let program = try SteeringProgram()
      try program.attach(interface)
      #expect(fp_detach_interface(interface) == 0)
      try PrivateNetwork.command("! ip link show fp-a | grep -q xdp")
      #expect(fp_detach_interface(interface) == -ENOENT)
      #expect(fp_detach_interface(999_999) < 0)

      let object = FileManager.default.temporaryDirectory.appendingPathComponent("fp-other-\(UUID().uuidString).o").path
      defer { try? FileManager.default.removeItem(atPath: object) }
      // Somebody else's program, attached by iproute2, stays.
      try Self.compile("__attribute__((section(\"xdp\"), used)) int other(void *c) { return 2; }", to: object)
      try PrivateNetwork.command("ip link set dev fp-a xdp obj '\(object)' sec xdp")
      #expect(fp_detach_interface(interface) == -EPERM)
      try PrivateNetwork.command("ip -d link show fp-a | grep -q 'name other'")
      try PrivateNetwork.command("ip link set dev fp-a xdp off")
      // Ours without a bpf_link, as another loader attaches it, goes.
      try Self.compile("__attribute__((section(\"xdp\"), used)) int fastpath_steer(void *c) { return 2; }", to: object)
      try PrivateNetwork.command("ip link set dev fp-a xdp obj '\(object)' sec xdp")
      #expect(fp_detach_interface(interface) == 0)
      try PrivateNetwork.command("! ip link show fp-a | grep -q xdp")
    }
  }

  /// With the clang of the Swift toolchain in use, found as scripts/embed-bpf.sh finds it.
  private static func compile(_ source: String, to object: String) throws {
    try PrivateNetwork.command(
      """
      resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\\(.*\\)".*/\\1/p')
      printf '%s' '\(source)' | "${resources%/lib/swift}/bin/clang" -target bpf -O2 -x c -c - -o '\(object)'
      """)
  }
}
