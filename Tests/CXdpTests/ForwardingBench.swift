import CXdp
import FlowTable
import Foundation
import Testing

/// fp-a ═ fp-ap and fp-b ═ fp-bp: the sockets sit on fp-a and fp-b, the peers are the world outside.
final class ForwardingBench {
  static let ringSize: UInt32 = 64
  private static let mac = MACAddress(0x0200_0000_0c02)

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
    memory = try TestMemory(frames: 256, ringSize: Self.ringSize)
    first = try TestSocket(memory, interface: "fp-a", first: true, generic: generic)
    second = try TestSocket(memory, interface: "fp-b", first: false, generic: generic)
    outside = try TestSocket(
      TestMemory(frames: 256, ringSize: Self.ringSize), interface: "fp-bp", first: true)
    sender = try TestSocket(TestMemory(frames: 256, ringSize: Self.ringSize), interface: "fp-ap", first: true)
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
    try program.setPort(interface, index: index, mac: Self.mac, kinds: .core)
    try program.setPool(try #require(Prefix(text: "2001:db8:100::/48")), present: true)
    try program.setSocket(port: index, descriptor: socket.descriptor)
    try program.attach(interface, generic: generic)
  }

  /// `frame` with a number in its last four octets.
  static func numbered(_ frame: [UInt8], _ number: UInt32) -> [UInt8] {
    frame.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }

  /// Polls until `done` or two seconds are over; veth delivers in softirq, which may run on the other CPU.
  static func wait(_ done: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<2000 {
      if try done() { return true }
      usleep(1000)
    }
    return false
  }

  /// Puts frames onto the first port's link, with room for as many at the far end of the second.
  func sendFromOutside(_ frames: [[UInt8]]) throws {
    let starts = TestMemory.starts(frames.count)
    #expect(outside.fill(starts))
    for (start, octets) in zip(starts, frames) { sender.memory.write(octets, at: start) }
    #expect(try sender.send(zip(starts, frames).map { (address: $0, length: UInt32($1.count)) }))
    #expect(complete(frames.count, on: sender).count == frames.count)
  }

  /// What came out of the second port's link.
  func takeOutside(_ count: Int) -> [[UInt8]] {
    receive(count, on: outside).map { outside.memory.octets(at: $0.address, count: Int($0.length)) }
  }

  func receive(_ count: Int, on socket: TestSocket) -> [(address: UInt64, length: UInt32)] {
    var received: [(address: UInt64, length: UInt32)] = []
    _ = Self.wait {
      received += socket.receive(atMost: UInt32(count - received.count))
      return received.count == count
    }
    return received
  }

  func complete(_ count: Int, on socket: TestSocket) -> [UInt64] {
    var completed: [UInt64] = []
    _ = Self.wait {
      // Copy mode sends 32 packets a call at most.
      _ = fp_socket_kick_tx(socket.descriptor)
      completed += socket.complete(atMost: UInt32(count - completed.count))
      return completed.count == count
    }
    return completed
  }
}
