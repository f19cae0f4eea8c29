import FastPath
import Synchronization

/// Packets and bits a second of each port over the last sampling period.
final class RateMeter: Sendable {
  struct Rates: Sendable, Hashable {
    var receivedPackets = 0.0
    var receivedBits = 0.0
    var transmittedPackets = 0.0
    var transmittedBits = 0.0
  }

  private struct Sample {
    var time: ContinuousClock.Instant
    var counts: [[UInt64]]
  }

  private struct State {
    var last: Sample?
    var rates: [Rates]
  }

  private let state: Mutex<State>

  init(ports: Int) { state = Mutex(State(last: nil, rates: Array(repeating: Rates(), count: ports))) }

  /// Takes the counters of now; the rates are those since the call before.
  func sample(_ counters: PlaneCounters, at time: ContinuousClock.Instant) {
    state.withLock { state in
      let counts = state.rates.indices.map { port in
        [
          counters.receivedPackets(port: port), 8 &* counters.receivedOctets(port: port),
          counters.transmittedPackets(port: port), 8 &* counters.transmittedOctets(port: port),
        ]
      }
      if let last = state.last {
        let elapsed = (time - last.time) / .seconds(1)
        guard elapsed > 0 else { return }
        for port in state.rates.indices {
          // Wrapping like the counters themselves.
          let rate = (0..<4).map { Double(counts[port][$0] &- last.counts[port][$0]) / elapsed }
          state.rates[port] = Rates(
            receivedPackets: rate[0], receivedBits: rate[1], transmittedPackets: rate[2], transmittedBits: rate[3])
        }
      }
      state.last = Sample(time: time, counts: counts)
    }
  }

  func rates(port: Int) -> Rates { state.withLock { $0.rates[port] } }
}
