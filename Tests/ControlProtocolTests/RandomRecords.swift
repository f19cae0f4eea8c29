import ControlProtocol

/// Random well-formed records, over every optional field and both families.
struct RandomRecords {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func chance() -> Bool { Bool.random(using: &generator) }

  mutating func some<Value>(_ make: (inout RandomRecords) -> Value) -> Value? { chance() ? make(&self) : nil }

  mutating func address(_ family: WireFamily) -> WireAddress {
    switch family {
    case .ipv4: WireAddress(ipv4: UInt32.random(in: 1 ... .max, using: &generator))
    case .ipv6:
      WireAddress(
        ipv6High: UInt64.random(in: 0 ... .max, using: &generator),
        low: UInt64.random(in: 1 ... .max, using: &generator))
    }
  }

  mutating func prefix(_ family: WireFamily) -> WirePrefix {
    let length = Int.random(in: 0...family.bits, using: &generator)
    let address = address(family)
    // Clearing host bits with shifts of one bit at a time: another way than the one under test.
    var bits = family == .ipv4 ? [UInt64(address.ipv4Value) << 32, 0] : [address.high, address.low]
    for bit in length..<max(length, 128) { bits[bit / 64] &= ~(1 << UInt64(63 - bit % 64)) }
    let masked: WireAddress =
      family == .ipv4
      ? WireAddress(ipv4: UInt32(bits[0] >> 32)) : WireAddress(ipv6High: bits[0], low: bits[1])
    return WirePrefix(address: masked, length: length)!
  }

  mutating func family() -> WireFamily { chance() ? .ipv6 : .ipv4 }

  mutating func tunnel(_ family: WireFamily) -> WireTunnel {
    let local = address(family)
    var remote = address(family)
    while remote == local { remote = address(family) }
    return WireTunnel(local: local, remote: remote)
  }

  mutating func text(upTo octets: Int) -> String {
    var text = ""
    let pieces = ["a", "Z", "0", "@", ".", "é", "漢", "🛰"]
    repeat {
      let piece = pieces.randomElement(using: &generator)!
      guard text.utf8.count + piece.utf8.count <= octets else { break }
      text += piece
    } while Int.random(in: 0..<octets, using: &generator) > 0
    return text
  }

  mutating func number<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> Number {
    Number.random(in: range, using: &generator)
  }

  mutating func binding() -> BindingRecord {
    let outer = family()
    let state = BindingRecord.State.allCases.randomElement(using: &generator)!
    let needed = state.needsPeer ? tunnel(outer) : nil
    return BindingRecord(
      table: chance() ? .proxy : .mobile, prefix: prefix(family()), tunnel: tunnel(outer), state: state,
      lifetime: some { $0.number(1...UInt32.max) }, localRouting: some { $0.chance() },
      requiresESP: chance(),
      access: some {
        BindingRecord.Access(
          port: $0.text(upTo: 15), mac: $0.number(1...0xfeff_ffff_ffff) & 0xfeff_ffff_ffff | 1,
          vlan: $0.some { $0.number(1...4094) })
      }, greUp: some { $0.number(0...UInt32.max) }, greDown: some { $0.number(0...UInt32.max) },
      peer: needed ?? some { $0.tunnel(outer) }, mobileNode: some { $0.text(upTo: 64) })
  }

  mutating func record() -> TableRecord {
    switch number(0...6) {
    case 0:
      return .tunnel(
        TunnelRecord(
          tunnel: tunnel(family()), isStatic: chance(), hopLimit: some { $0.number(1...255) },
          mtu: some { $0.chance() ? .automatic : .octets($0.number(68...65535)) },
          encapsulationLimit: some { $0.chance() ? .none : .limit($0.number(0...255)) },
          dscp: some { $0.chance() ? .fixed($0.number(0...63)) : $0.chance() ? .copy : .uniform },
          ecn: some { $0.chance() ? .rfc6040 : $0.chance() ? .compatibility : .rfc5213Strict },
          users: number(0...UInt32.max)))
    case 1:
      let inner = family()
      return .route(
        LocalizedRouteRecord(
          from: prefix(inner), to: prefix(inner), via: chance() ? .local : .tunnel(tunnel(family())),
          receiveOnly: chance(), lifetime: some { $0.number(1...UInt32.max) }))
    case 2: return .visitor(VisitorRecord(prefix: prefix(family()), port: text(upTo: 15)))
    case 3: return .peer(PeerRecord(address: address(family()), state: chance() ? .failed : .alive))
    default: return .binding(binding())
    }
  }
}
