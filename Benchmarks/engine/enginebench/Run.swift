import CEngineFrames
import FastPath
import FlowTable
import Glibc

/// The packets of one scenario, turn by turn. Frames are written before each turn and looked at after it, on no clock.
@safe
final class Run {
  private let scenario: Scenario
  private let domain: Domain
  // Made in `init`, freed in `deinit`.
  private let traffic: UnsafeMutablePointer<engine_traffic>
  private let arrival: Int
  /// Octets of a received frame; all of a scenario are as long.
  private let length: Int
  private var number: UInt64 = 0

  /// Packets whose every octet is compared, and that are in the digest: a million destinations.
  private static let checked = 1 << 20
  /// A figure is taken over five million packets, in stretches of a thousand; the peer does the same.
  private static let stretches = 5000
  private static let turnsPerStretch = 16

  init(_ scenario: Scenario, _ domain: Domain) throws {
    self.scenario = scenario
    self.domain = domain
    let way = scenario.way.frames
    guard let made = unsafe engine_traffic_create(way, UInt32(scenario.bindings)) else { throw OutOfMemory() }
    unsafe traffic = unsafe made
    arrival = Int(engine_arrival(way))
    // A frame has at most ENGINE_LONGEST octets.
    var frame = [UInt8](repeating: 0, count: Int(ENGINE_LONGEST))
    length = unsafe engine_frame(made, 0, &frame)
  }

  deinit { unsafe engine_traffic_free(traffic) }

  /// A batch of received frames, each of another packet.
  private func offerBatch() {
    for _ in 0..<BatchPlane.batch {
      // The plane gives room for `length` octets, and that is what is written.
      _ = unsafe engine_frame(traffic, number, domain.plane.offer(port: arrival, length: length))
      number += 1
    }
  }

  /// The port that packets leave by: a hairpin's is the one they came by.
  private var departure: Int { scenario.way == .anchorHairpin ? arrival : 1 - arrival }

  /// Compares every frame sent with the one expected, and every counter with the packets.
  ///
  /// - Returns: the digest of all frames.
  func check() throws -> UInt64 {
    let before = counted
    var digest: UInt64 = 0
    for _ in 0..<Self.checked / BatchPlane.batch {
      let first = number
      offerBatch()
      _ = domain.plane.turn()
      guard domain.plane.sentCount(port: departure) == BatchPlane.batch else {
        throw WrongAnswer(scenario: scenario.name, what: "of the batch from packet \(first) not every one was sent")
      }
      for position in 0..<BatchPlane.batch {
        let sent = unsafe domain.plane.sent(port: departure, position)
        guard unsafe engine_is_expected(traffic, first + UInt64(position), sent.baseAddress, sent.count) != 0 else {
          throw WrongAnswer(
            scenario: scenario.name, what: "packet \(first + UInt64(position)) was sent with other octets")
        }
        digest = unsafe engine_digest(digest, sent.baseAddress, sent.count)
      }
    }
    let packets = UInt64(Self.checked)
    let tunnels: UInt64 = scenario.way == .anchorHairpin ? 2 : 1
    let octets = UInt64(engine_inner_length(scenario.way.frames))
    guard counted - before == [packets, packets, tunnels * packets, tunnels * packets * octets, 0] else {
      throw WrongAnswer(scenario: scenario.name, what: "counters moved by \(counted - before), \(packets) packets")
    }
    return digest
  }

  /// Received, transmitted, packets and octets in the tunnels' cells, dropped or punted.
  private var counted: [UInt64] {
    let counters = domain.plane.counters
    let cells = domain.tunnels.map { domain.writer.tunnelTraffic($0) }
    let lost =
      DropReason.allCases.reduce(0) { $0 + counters.drops($1) }
      + PuntReason.allCases.reduce(0) { $0 + counters.punts($1) }
    return [
      counters.receivedPackets(port: arrival), counters.transmittedPackets(port: departure),
      cells.reduce(0) { $0 + $1.up.packets + $1.down.packets }, cells.reduce(0) { $0 + $1.up.bytes + $1.down.bytes },
      lost,
    ]
  }

  /// So many turns.
  func replay(turns: Int) {
    for _ in 0..<turns {
      offerBatch()
      _ = domain.plane.turn()
    }
  }

  /// Million packets a second, and cycles a packet: the median of stretches of turns, so that a stretch in which the
  /// kernel did something else (its timer, another process) does not count.
  func rate() -> (mpps: Double, cycles: Double) {
    replay(turns: 2048)
    let start = Self.seconds()
    let firstTick = engine_ticks()
    var stretches: [UInt64] = []
    stretches.reserveCapacity(Self.stretches)
    for _ in 0..<Self.stretches {
      var inTurns: UInt64 = 0
      for _ in 0..<Self.turnsPerStretch {
        offerBatch()
        let before = engine_ticks()
        _ = domain.plane.turn()
        inTurns &+= engine_ticks() &- before
      }
      stretches.append(inTurns)
    }
    let frequency = Double(engine_ticks() &- firstTick) / (Self.seconds() - start)
    stretches.sort()
    let cycles = Double(stretches[Self.stretches / 2]) / Double(Self.turnsPerStretch * BatchPlane.batch)
    return (frequency / cycles * 1e-6, cycles)
  }

  private static func seconds() -> Double {
    var now = timespec()
    // CLOCK_MONOTONIC always exists, so the call cannot fail.
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }
}

private func - (left: [UInt64], right: [UInt64]) -> [UInt64] { zip(left, right).map { $0 &- $1 } }

struct OutOfMemory: Error, CustomStringConvertible {
  var description: String { "no memory for the traffic" }
}

struct WrongAnswer: Error, CustomStringConvertible {
  let scenario: String
  let what: String
  var description: String { "\(scenario): \(what)" }
}
