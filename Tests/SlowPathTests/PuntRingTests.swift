import FastPath
import Glibc
import SlowPath
import Synchronization
import Testing

@Suite struct PuntRingTests {
  /// Packet `number`: its length and octets follow from the number, so that a slot of another packet shows.
  private static func length(_ number: Int, upTo payload: Int) -> Int { 8 + number * 7 % (payload - 7) }

  private static func fill(_ room: UnsafeMutableRawBufferPointer, _ number: Int, _ length: Int) {
    unsafe room.storeBytes(of: UInt64(number), as: UInt64.self)
    for index in 8..<max(length, 8) { unsafe room[index] = UInt8(truncatingIfNeeded: number &+ index) }
  }

  private static func check(_ packet: PuntedPacket, _ number: Int, _ payload: Int) -> Bool {
    let octets = unsafe packet.octets
    guard octets.count == length(number, upTo: payload),
      unsafe octets.loadUnaligned(as: UInt64.self) == UInt64(number)
    else { return false }
    let last = octets.count - 1
    return unsafe packet.reason == UInt8(truncatingIfNeeded: number) && packet.port == UInt8(number % 3)
      && (last < 8 || octets[last] == UInt8(truncatingIfNeeded: number &+ last))
  }

  /// One thread pushes numbered packets as fast as it can, another takes them. The positions start 1000 below 2^32, so
  /// they wrap early in the run; every packet must come once, in order, whole.
  @Test(arguments: [1, 2, 64, 1024]) func packetsArriveOnceInOrderAcrossTheWrapOfPositions(_ slots: Int) throws {
    let payload = 256
    let total = slots < 64 ? 20_000 : 400_000
    let memory = try #require(PuntRingMemory(slots: slots, payload: payload, firstPosition: UInt32.max - 999))
    let refused = Atomic<Int>(0)
    let counter = Counter(refused)
    let producer = try NamedThread(name: "fp-producer") {
      var ring = memory.producer
      let room = UnsafeMutableRawBufferPointer.allocate(byteCount: payload, alignment: 8)
      defer { unsafe room.deallocate() }
      for number in 0..<total {
        let length = Self.length(number, upTo: payload)
        unsafe Self.fill(room, number, length)
        guard let start = room.baseAddress else { return }
        while unsafe !ring.push(
          start, length: length, reason: UInt8(truncatingIfNeeded: number), port: UInt8(number % 3))
        {
          counter.add()
          sched_yield()
        }
      }
    }
    var consumer = memory.consumer
    var expected = 0
    var wrong = 0
    while expected < total {
      let available = consumer.available()
      #expect(available <= slots)
      for index in 0..<available {
        if !Self.check(consumer.packet(index), expected + index, payload) { wrong += 1 }
      }
      if available == 0 { sched_yield() }
      consumer.release(available)
      expected += available
    }
    producer.join()
    #expect(wrong == 0)
    #expect(expected == total && consumer.available() == 0)
    // With few slots the producer must have met a full ring, or fullness was not tested.
    if slots <= 2 { #expect(counter.value > 0) }
  }

  @Test(arguments: [0, UInt32.max - 2, UInt32.max]) func aFullRingRefusesUntilASlotIsReleased(_ first: UInt32) throws {
    let memory = try #require(PuntRingMemory(slots: 4, payload: 64, firstPosition: first))
    var ring = memory.producer
    var consumer = memory.consumer
    var octets: [UInt8] = Array(0..<64)
    // Three rounds: the second and third start with the ring's end somewhere inside the slots.
    for round in 0..<3 {
      for number in 0..<4 { #expect(push(&ring, &octets, 64, UInt8(round * 4 + number))) }
      #expect(!push(&ring, &octets, 64, 99))
      #expect(consumer.available() == 4)
      #expect((0..<4).map { consumer.packet($0).reason } == (0..<4).map { UInt8(round * 4 + $0) })
      consumer.release(1)
      #expect(push(&ring, &octets, 1, 77))
      #expect(!push(&ring, &octets, 1, 99))
      #expect(consumer.packet(3).reason == 77)
      #expect(unsafe consumer.packet(3).octets.count == 1)
      consumer.release(4)
      #expect(consumer.available() == 0)
    }
  }

  @Test func packetsThatDoNotFitAreRefusedAndPublishNothing() throws {
    let memory = try #require(PuntRingMemory(slots: 4, payload: 64))
    var ring = memory.producer
    var octets = [UInt8](repeating: 1, count: 128)
    #expect(!push(&ring, &octets, 65, 1))
    #expect(!push(&ring, &octets, -1, 1))
    #expect(memory.consumer.available() == 0)
    #expect(push(&ring, &octets, 64, 1))
    #expect(push(&ring, &octets, 0, 2))
    #expect(memory.consumer.available() == 2)
  }

  /// The thread sleeps when nothing comes; a push with a ring of the bell must reach the handler, from all rings.
  @Test func theSlowPathThreadTakesWhatWorkersPushAndTheRestAtItsStop() throws {
    let rings = try (0..<3).map { _ in try #require(PuntRingMemory(slots: 64, payload: 64)) }
    let seen = Mutex<[[UInt8]]>([[], [], []])
    let log = PacketLog(seen)
    let thread = try SlowPathThread(rings: rings) { worker, packet in log.add(worker, packet.reason) }
    var producers = rings.map(\.producer)
    var octets = [UInt8](repeating: 0x60, count: 64)
    for number in 0..<30 as Range<UInt8> {
      #expect(push(&producers[Int(number) % 3], &octets, 40, number))
      producers[Int(number) % 3].ring()
      if number % 10 == 9 { #expect(eventually(within: 2) { log.count == Int(number) + 1 }) }
    }
    for number in 30..<60 as Range<UInt8> { #expect(push(&producers[0], &octets, 40, number)) }
    thread.stop()
    #expect(log.of(0) == (0..<30).filter { $0 % 3 == 0 } + Array(30..<60))
    #expect(log.of(1) == (0..<30).filter { $0 % 3 == 1 })
    #expect(log.of(2) == (0..<30).filter { $0 % 3 == 2 })
  }

  private func push(_ ring: inout PuntRing, _ octets: inout [UInt8], _ length: Int, _ reason: UInt8) -> Bool {
    // The array has at least as many octets as a length that the ring accepts.
    unsafe octets.withUnsafeMutableBytes { room in
      guard let start = room.baseAddress else { return false }
      return unsafe ring.push(start, length: length, reason: reason, port: 0)
    }
  }
}

/// A counter that two threads may see.
private final class Counter: Sendable {
  private let count: Atomic<Int>
  init(_ count: consuming Atomic<Int>) { self.count = count }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}

/// What the slow path's handler saw, per worker.
private final class PacketLog: Sendable {
  private let seen: Mutex<[[UInt8]]>
  init(_ seen: consuming Mutex<[[UInt8]]>) { self.seen = seen }
  func add(_ worker: Int, _ reason: UInt8) { seen.withLock { $0[worker].append(reason) } }
  func of(_ worker: Int) -> [UInt8] { seen.withLock { $0[worker] } }
  var count: Int { seen.withLock { $0.reduce(0) { $0 + $1.count } } }
}
