import CXdp
import FastPath
import FlowTable
import Foundation
import Testing

/// Sockets over real interfaces: two of them on one memory across two devices, as a worker has them.
@Suite struct SocketTests {
  private static let ringSize: UInt32 = 64
  private static let mac = MACAddress(0x0200_0000_0c02)

  /// fp-a ═ fp-ap and fp-b ═ fp-bp: the sockets sit on fp-a and fp-b, the peers are the world outside.
  private final class Bench {
    let program: SteeringProgram
    let memory: TestMemory
    let first: TestSocket
    let second: TestSocket
    /// Its own memory, on the far end of the second port: sees what the second socket sends.
    let outside: TestSocket
    let outsideProgram: SteeringProgram
    let sender: TestSocket

    init(generic: Bool = false) throws {
      for name in ["fp-a", "fp-b"] { try PrivateNetwork.joinedPair(name, "\(name)p") }
      program = try SteeringProgram()
      outsideProgram = try SteeringProgram()
      memory = try TestMemory(frames: 256, ringSize: SocketTests.ringSize)
      first = try TestSocket(memory, interface: "fp-a", first: true, generic: generic)
      second = try TestSocket(memory, interface: "fp-b", first: false, generic: generic)
      outside = try TestSocket(
        TestMemory(frames: 256, ringSize: SocketTests.ringSize), interface: "fp-bp", first: true)
      sender = try TestSocket(TestMemory(frames: 256, ringSize: SocketTests.ringSize), interface: "fp-ap", first: true)
      for (index, (name, socket)) in [("fp-a", first), ("fp-b", second)].enumerated() {
        try Self.open(program, name, index, socket, generic: generic)
      }
      try Self.open(outsideProgram, "fp-bp", 0, outside)
      // veth drops redirected frames unless the receiving end runs XDP, so the sender's end gets the program, too.
      try Self.open(outsideProgram, "fp-ap", 1, sender)
    }

    private static func open(
      _ program: SteeringProgram, _ name: String, _ index: Int, _ socket: TestSocket, generic: Bool = false
    ) throws {
      let interface = try SystemInterface.facts(of: name).index
      try program.setPort(interface, index: index, mac: SocketTests.mac, kinds: .core)
      try program.setPool(try #require(Prefix(text: "2001:db8:100::/48")), present: true)
      try program.setSocket(port: index, descriptor: socket.descriptor)
      try program.attach(interface, generic: generic)
    }
  }

  /// A downlink fixture with a number in its last four octets.
  private static func numbered(_ frame: [UInt8], _ number: UInt32) -> [UInt8] {
    frame.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }

  private static func downlink() throws -> [UInt8] {
    try #require(try SteeringFixture.load().first { $0.description.hasSuffix("core to a home network prefix") }).frame
  }

  /// Polls until `done` or two seconds are over; veth delivers in softirq, which may run on the other CPU.
  private static func wait(_ done: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<2000 {
      if try done() { return true }
      usleep(1000)
    }
    return false
  }

  @Test(arguments: [false, true])
  func oneMemoryForwardsAcrossTwoDevicesWithoutLosingFrames(generic: Bool) throws {
    let frame = try Self.downlink()
    try PrivateNetwork.run {
      let bench = try Bench(generic: generic)
      let rounds: UInt32 = 40
      let batch: UInt32 = 16
      // More than three laps of every ring.
      #expect(rounds * batch > 3 * Self.ringSize)
      // The ledger of the shared memory: who holds each of the 256 frames.
      var free = (0..<256).map { UInt64($0 * TestMemory.frameSize) }
      var filled = 0
      var inTransmission = 0
      var outsideFree = (0..<256).map { UInt64($0 * TestMemory.frameSize) }
      var arrived: [UInt32] = []
      for round in 0..<rounds {
        let fill = Array(free.suffix(Int(batch)))
        free.removeLast(fill.count)
        #expect(bench.first.fill(fill))
        filled += fill.count
        let outsideFill = Array(outsideFree.suffix(Int(batch)))
        outsideFree.removeLast(outsideFill.count)
        #expect(bench.outside.fill(outsideFill))

        let packets = (0..<batch).map { number in
          (address: UInt64(Int(number) * TestMemory.frameSize), octets: Self.numbered(frame, round * batch + number))
        }
        for packet in packets { bench.sender.memory.write(packet.octets, at: packet.address) }
        #expect(try bench.sender.send(packets.map { (address: $0.address, length: UInt32($0.octets.count)) }))

        var received: [(address: UInt64, length: UInt32)] = []
        let complete = Self.wait {
          received += bench.first.receive(atMost: batch)
          return received.count == Int(batch)
        }
        guard complete else {
          Issue.record("round \(round): \(received.count) of \(batch) arrived; \(try bench.first.statistics())")
          return
        }
        filled -= received.count
        // A received address lies in a frame that was given, behind the kernel's headroom of 256.
        for packet in received {
          #expect(fill.contains(packet.address / UInt64(TestMemory.frameSize) * UInt64(TestMemory.frameSize)))
          #expect(packet.length == UInt32(frame.count))
        }
        // Out of the other device from the very same frames.
        #expect(try bench.second.send(received))
        inTransmission += received.count
        var sent: [UInt64] = []
        #expect(
          Self.wait {
            _ = fp_socket_kick_tx(bench.second.descriptor)
            sent += bench.second.complete(atMost: batch)
            return sent.count == Int(batch)
          })
        #expect(sent == received.map(\.address))
        inTransmission -= sent.count
        free += sent.map { $0 / UInt64(TestMemory.frameSize) * UInt64(TestMemory.frameSize) }
        #expect(free.count + filled + inTransmission == 256 && Set(free).count == free.count)

        var outside: [(address: UInt64, length: UInt32)] = []
        #expect(
          Self.wait {
            outside += bench.outside.receive(atMost: batch)
            return outside.count == Int(batch)
          })
        for packet in outside {
          let octets = bench.outside.memory.octets(at: packet.address, count: Int(packet.length))
          arrived.append(octets.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
          #expect(octets.dropLast(4) == frame.dropLast(4))
        }
        outsideFree += outside.map { $0.address / UInt64(TestMemory.frameSize) * UInt64(TestMemory.frameSize) }
        _ = bench.sender.complete(atMost: Self.ringSize)
      }
      #expect(arrived == Array(0..<rounds * batch))
      let redirected = try bench.program.counters(port: 0)[Int(SteerReason.redirected.rawValue)]
      #expect(redirected == UInt64(rounds * batch))
      let statistics = try bench.first.statistics()
      #expect(statistics.rx_dropped == 0 && statistics.rx_ring_full == 0 && statistics.rx_invalid_descs == 0)
    }
  }

  @Test func anEmptyFillRingIsCountedAndAFullOneRefuses() throws {
    let frame = try Self.downlink()
    try PrivateNetwork.run {
      let bench = try Bench()
      bench.sender.memory.write(frame, at: 0)
      #expect(try bench.sender.send([(address: 0, length: UInt32(frame.count))]))
      #expect(try Self.wait { try bench.first.statistics().rx_fill_ring_empty_descs == 1 })
      #expect(bench.first.receive(atMost: 8).isEmpty)

      let addresses = (0..<Self.ringSize).map { UInt64(Int($0) * TestMemory.frameSize) }
      #expect(bench.first.fill(addresses))
      #expect(!bench.first.fill([0]))
      // All or nothing: half a ring plus one more than fits is refused whole.
      #expect(bench.second.fill(addresses.prefix(Int(Self.ringSize) / 2)))
      #expect(!bench.second.fill(addresses.prefix(Int(Self.ringSize) / 2 + 1)))

      // An address outside the memory is refused by the kernel and counted, not sent.
      #expect(try bench.second.send([(address: UInt64(256 * TestMemory.frameSize), length: 64)]))
      #expect(try Self.wait { try bench.second.statistics().tx_invalid_descs == 1 })
    }
  }

  @Test func pollWakesForAPacketAndTimesOutWithoutOne() throws {
    let frame = try Self.downlink()
    try PrivateNetwork.run {
      let bench = try Bench()
      let descriptors = [bench.first.descriptor, bench.second.descriptor]
      // Both arrays live for the call.
      #expect(unsafe fp_poll_readable(descriptors, 2, 0) == 0)
      #expect(bench.first.fill([0]))
      bench.sender.memory.write(frame, at: 0)
      #expect(try bench.sender.send([(address: 0, length: UInt32(frame.count))]))
      #expect(unsafe fp_poll_readable(descriptors, 2, 2000) == 1)
      #expect(bench.first.receive(atMost: 8).count == 1)
      #expect(unsafe fp_poll_readable(descriptors, UInt32(FP_MAX_POLL) + 1, 0) == -EINVAL)
      #expect(fp_socket_kick_rx(bench.first.descriptor) == 0 || fp_socket_kick_rx(bench.first.descriptor) == -EAGAIN)
    }
  }

  @Test func modesAndSizesThatCannotBeAreRefused() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let memory = try TestMemory(frames: 64, ringSize: 64)
      // veth has no zero-copy: asked for by name it is an error, tried it becomes copy.
      #expect(throws: SystemFailure.self) {
        try TestSocket(memory, interface: "fp-a", first: true, mode: FP_ZERO_COPY_ONLY)
      }
      #expect(throws: SystemFailure.self) {
        try TestSocket(memory, interface: "fp-a", first: true, mode: FP_ZERO_COPY_ONLY, generic: true)
      }
      #expect(throws: SystemFailure.self) { try TestSocket(memory, interface: "fp-a", first: true, fillSize: 128) }
      #expect(throws: SystemFailure.self) { try TestSocket(memory, interface: "fp-none", first: true) }
      let first = try TestSocket(memory, interface: "fp-a", first: true)
      #expect(fp_socket_is_zero_copy(first.descriptor) == 0)
      #expect(throws: SystemFailure.self) { try TestSocket(memory, interface: "fp-b", first: false, fillSize: 128) }
      let second = try TestSocket(memory, interface: "fp-b", first: false)
      #expect(memory.tryToDestroy() == -EBUSY)
      second.close()
      first.close()
    }
  }

  /// The kernel frees a queue some time after the last descriptor is closed; opening again waits for it.
  @Test func aQueueCanBeOpenedAgainRightAfterItsOwnerIsGone() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      for _ in 0..<20 {
        let socket = try TestSocket(TestMemory(frames: 64, ringSize: 64), interface: "fp-a", first: true)
        #expect(socket.descriptor >= 0)
      }
    }
  }

  @Test func aBusyQueueIsAnErrorAfterTheBudget() throws {
    try PrivateNetwork.run {
      try PrivateNetwork.joinedPair("fp-a", "fp-b")
      let holder = try TestSocket(TestMemory(frames: 64, ringSize: 64), interface: "fp-a", first: true)
      let start = ContinuousClock.now
      let failure = #expect(throws: SystemFailure.self) {
        try TestSocket(TestMemory(frames: 64, ringSize: 64), interface: "fp-a", first: true)
      }
      #expect(failure?.code == -EBUSY)
      #expect(.seconds(4)...(.seconds(8)) ~= ContinuousClock.now - start)
      holder.close()
    }
  }
}
