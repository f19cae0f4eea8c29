import ControlPlane
import FastPath
import FlowTable
import SlowPath

/// Collects what happens at one moment.
struct EventRecord {
  let now: UInt64
  private(set) var events: [OfflineEvent] = []

  init(now: UInt64) { self.now = now }

  private mutating func add(_ kind: OfflineEvent.Kind) { events.append(OfflineEvent(at: now, kind: kind)) }

  /// The steering program left a frame to the kernel.
  mutating func pass(_ ticket: UInt64, _ reason: SteerReason) {
    add(.kernel(ticket, reason: reason.name, packet: nil))
    add(.fate([ticket], .kernel(reason: reason.name)))
  }

  /// What a turn did with a received frame.
  mutating func outcome(_ outcome: OfflinePlane.Outcome, of ticket: UInt64) {
    sent(outcome, [ticket])
    fate(outcome, [ticket]) { reason in
      // Unmodified unless it came by a tunnel or goes on by the kernel's own routes (CONTRACT, "Settled details").
      reason == .innerLocal || reason == .foreignInterface ? outcome.kernelPacket : nil
    }
  }

  /// What a turn did with a packet of the slow path. One that was originated has no fate of its own to tell.
  mutating func outcome(_ outcome: OfflinePlane.Outcome, of packet: OriginatedPacket) {
    sent(outcome, packet.tickets)
    guard packet.kind == nil else { return }
    fate(outcome, packet.tickets) { _ in outcome.kernelPacket }
  }

  private mutating func sent(_ outcome: OfflinePlane.Outcome, _ tickets: [UInt64]) {
    for frame in outcome.sent { add(.sent(tickets, port: frame.port, frame: frame.frame)) }
  }

  private mutating func fate(
    _ outcome: OfflinePlane.Outcome, _ tickets: [UInt64], kernelPacket: (PuntReason) -> [UInt8]?
  ) {
    switch outcome.fate {
    case .transmitted: add(.fate(tickets, .transmitted))
    case .dropped(let reason): add(.fate(tickets, .dropped(reason)))
    case .held: add(.fate(tickets, .held))
    case .kernel(let reason):
      if let last = tickets.last { add(.kernel(last, reason: reason.name, packet: kernelPacket(reason))) }
      add(.fate(tickets, .kernel(reason: reason.name)))
    }
  }

  /// A packet of the slow path found no room.
  mutating func refused(_ packet: OriginatedPacket) {
    if packet.kind == nil { add(.fate(packet.tickets, .dropped(.kernelFull))) }
  }

  /// What became of a packet that the handover buffer had.
  mutating func served(_ outcome: OfflinePlane.Outcome, of tickets: [UInt64]) {
    sent(outcome, tickets)
    fate(outcome, tickets) { _ in outcome.kernelPacket }
  }

  mutating func notice(_ notice: TrafficNotice) {
    let mac: MACAddress? = if case .unknownSource(let mac) = notice.kind { mac } else { nil }
    add(
      .notice(
        name: notice.name, prefix: notice.prefix, address: notice.address, mac: mac, port: Int(notice.port)))
  }

  mutating func dropped(_ settlement: Settlement) { add(.fate(settlement.tickets, .dropped(settlement.reason))) }
  mutating func expired(_ binding: ExpiredBinding) { add(.expired(binding)) }
  mutating func happened(_ event: RegistryEvent) { add(.registry(event)) }
}
