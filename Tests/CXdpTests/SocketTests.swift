import CXdp
import FastPath
import Foundation
import Testing

/// Sockets over real interfaces: two of them on one memory across two devices, as a worker has them.
@Suite struct SocketTests {
  @Test(arguments: [false, true])
  func oneMemoryForwardsAcrossTwoDevicesWithoutLosingFrames(generic: Bool) throws {
    let frame = try SteeringFixture.named("lma/core: core to a home network prefix").frame
    try PrivateNetwork.run {
      let bench = try ForwardingBench(generic: generic)
      let batch: UInt32 = 16
      let rounds: UInt32 = 40
      // More than three laps of every ring.
      #expect(rounds * batch > 3 * ForwardingBench.ringSize)
      // The ledger of the shared memory: every frame is here, in a fill ring, received or in transmission.
      var free = TestMemory.starts(256)
      var arrived: [UInt32] = []
      for round in 0..<rounds {
        let given = Array(free.suffix(Int(batch)))
        free.removeLast(given.count)
        #expect(bench.first.fill(given))
        try bench.sendFromOutside((0..<batch).map { ForwardingBench.numbered(frame, round * batch + $0) })
        let received = bench.receive(Int(batch), on: bench.first)
        guard received.count == Int(batch) else {
          Issue.record("round \(round): \(received.count) of \(batch) arrived; \(try bench.first.statistics())")
          return
        }
        // What is received lies in the frames that were given, each once.
        #expect(Set(received.map { TestMemory.start($0.address) }) == Set(given))
        #expect(received.allSatisfy { $0.length == UInt32(frame.count) })
        // Out of the other device from the very same frames.
        #expect(try bench.second.send(received))
        let sent = bench.complete(Int(batch), on: bench.second)
        #expect(sent == received.map(\.address))
        free += sent.map(TestMemory.start)
        #expect(Set(free) == Set(TestMemory.starts(256)) && free.count == 256)
        for octets in bench.takeOutside(Int(batch)) {
          arrived.append(octets.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
          #expect(octets.dropLast(4) == frame.dropLast(4))
        }
      }
      #expect(arrived == Array(0..<rounds * batch))
      let redirected = try bench.program.counters(port: 0)[Int(SteerReason.redirected.rawValue)]
      #expect(redirected == UInt64(rounds * batch))
      let statistics = try bench.first.statistics()
      #expect(statistics.rx_dropped == 0 && statistics.rx_ring_full == 0 && statistics.rx_invalid_descs == 0)
    }
  }

  /// Linux 6.17 and later take another bound than 32 packets a call.
  @Test func oneCallTransmitsAsManyAsTheKernelLets() throws {
    let frame = try SteeringFixture.named("lma/core: core to a home network prefix").frame
    let release = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
      .split(separator: ".").prefix(2).compactMap { Int($0) }
    let expected = (try #require(release.first), try #require(release.last)) >= (6, 17) ? 48 : 32
    try PrivateNetwork.run {
      let bench = try ForwardingBench()
      let starts = TestMemory.starts(48)
      for start in starts { bench.sender.memory.write(frame, at: start) }
      #expect(try bench.sender.send(starts.map { (address: $0, length: UInt32(frame.count)) }))
      var completed: [UInt64] = []
      // Nobody calls again meanwhile.
      _ = ForwardingBench.wait {
        completed += bench.sender.complete(atMost: 64)
        return completed.count >= expected
      }
      #expect(completed == Array(starts.prefix(expected)))
    }
  }

  @Test func anEmptyFillRingIsCountedAndAFullOneRefuses() throws {
    let frame = try SteeringFixture.named("lma/core: core to a home network prefix").frame
    try PrivateNetwork.run {
      let bench = try ForwardingBench()
      bench.sender.memory.write(frame, at: 0)
      #expect(try bench.sender.send([(address: 0, length: UInt32(frame.count))]))
      #expect(try ForwardingBench.wait { try bench.first.statistics().rx_fill_ring_empty_descs == 1 })
      #expect(bench.first.receive(atMost: 8).isEmpty)

      let addresses = (0..<ForwardingBench.ringSize).map { UInt64(Int($0) * TestMemory.frameSize) }
      #expect(bench.first.fill(addresses))
      #expect(!bench.first.fill([0]))
      // All or nothing: half a ring plus one more than fits is refused whole.
      #expect(bench.second.fill(addresses.prefix(Int(ForwardingBench.ringSize) / 2)))
      #expect(!bench.second.fill(addresses.prefix(Int(ForwardingBench.ringSize) / 2 + 1)))

      // An address outside the memory is refused by the kernel and counted, not sent.
      #expect(try bench.second.send([(address: UInt64(256 * TestMemory.frameSize), length: 64)]))
      #expect(try ForwardingBench.wait { try bench.second.statistics().tx_invalid_descs == 1 })
    }
  }

  @Test func pollWakesForAPacketAndTimesOutWithoutOne() throws {
    let frame = try SteeringFixture.named("lma/core: core to a home network prefix").frame
    try PrivateNetwork.run {
      let bench = try ForwardingBench()
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

  @Test func busyPollingIsTakenAndPacketsArriveWithIt() throws {
    let frame = try SteeringFixture.named("lma/core: core to a home network prefix").frame
    try PrivateNetwork.run {
      let bench = try ForwardingBench()
      let descriptor = bench.first.descriptor
      #expect(fp_socket_polled_instance(descriptor) == 0)
      #expect(fp_socket_poll_busily(descriptor, 0) == -EINVAL)
      // The kernel's own bound (sk_setsockopt(), U16_MAX).
      #expect(fp_socket_poll_busily(descriptor, 65536) == -EINVAL)
      #expect(fp_socket_poll_busily(-1, 64) == -EBADF)
      #expect(fp_socket_polled_instance(-1) == -EBADF)
      #expect(fp_socket_poll_busily(descriptor, 64) == 0)
      // SO_PREFER_BUSY_POLL and SO_BUSY_POLL of asm-generic/socket.h.
      for option: Int32 in [69, 46] {
        var value: Int32 = 0
        var length = socklen_t(4)
        // Both are variables of this scope.
        #expect(unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0)
        #expect(value > 0)
      }
      #expect(bench.first.fill([0]))
      try bench.sendFromOutside([frame])
      #expect(
        ForwardingBench.wait {
          _ = fp_socket_kick_rx(descriptor)
          return bench.first.receive(atMost: 8).count == 1
        })
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
