/// One packet of a capture file.
struct CapturedPacket {
  /// Nanoseconds since 1970.
  let time: UInt64
  let frame: [UInt8]
}

/// The classic capture format (libpcap's savefile): a 24-octet header, then a 16-octet header before each packet.
enum CaptureFile {
  private static let microseconds: UInt32 = 0xa1b2_c3d4
  private static let nanoseconds: UInt32 = 0xa1b2_3c4d
  private static let nextGeneration: UInt32 = 0x0a0d_0d0a
  private static let ethernet: UInt32 = 1
  /// Larger than any frame; what a length field beyond it says is that the file is damaged.
  private static let longestPacket = 262_144

  /// All packets of a file, in its order.
  static func read(_ path: String) throws(CommandFailure) -> [CapturedPacket] {
    let octets = try FileInput.read(path)
    guard octets.count >= 24 else { throw .refused("\(path): not a capture file: shorter than its header") }
    let format = try header(octets, path: path)
    var packets: [CapturedPacket] = []
    var position = 24
    while position < octets.count {
      guard octets.count - position >= 16 else { throw damaged(path, packets.count, "its header is cut off") }
      let seconds = UInt64(word(octets, position, format.isSwapped))
      let fraction = UInt64(word(octets, position + 4, format.isSwapped))
      let length = Int(word(octets, position + 8, format.isSwapped))
      guard length <= longestPacket else { throw damaged(path, packets.count, "it claims \(length) octets") }
      guard octets.count - position - 16 >= length else { throw damaged(path, packets.count, "it is cut off") }
      let time = seconds * 1_000_000_000 + fraction * format.unit
      packets.append(CapturedPacket(time: time, frame: Array(octets[(position + 16)..<(position + 16 + length)])))
      position += 16 + length
    }
    return packets
  }

  private static func header(
    _ octets: [UInt8], path: String
  ) throws(CommandFailure) -> (isSwapped: Bool, unit: UInt64) {
    let magic = word(octets, 0, false)
    let format: (isSwapped: Bool, unit: UInt64)
    switch magic {
    case microseconds: format = (false, 1000)
    case nanoseconds: format = (false, 1)
    case microseconds.byteSwapped: format = (true, 1000)
    case nanoseconds.byteSwapped: format = (true, 1)
    case nextGeneration: throw .refused("\(path): is pcapng; convert it with: editcap -F pcap IN OUT")
    default: throw .refused("\(path): not a capture file (pcap)")
    }
    // The upper half of the word may carry the length of a frame check sequence.
    let link = word(octets, 20, format.isSwapped) & 0xffff
    guard link == ethernet else { throw .refused("\(path): link type \(link), but ports are Ethernet (1)") }
    return format
  }

  private static func damaged(_ path: String, _ packet: Int, _ what: String) -> CommandFailure {
    .refused("\(path): damaged at packet \(packet): \(what)")
  }

  /// Little-endian unless `swapped`: the writer's byte order is told by the magic number.
  private static func word(_ octets: [UInt8], _ position: Int, _ swapped: Bool) -> UInt32 {
    var value: UInt32 = 0
    for index in (0..<4).reversed() { value = value << 8 | UInt32(octets[position + index]) }
    return swapped ? value.byteSwapped : value
  }

  /// The octets of a file with `packets`; nanosecond resolution only if a time needs it, since not every reader has it.
  static func encode(_ packets: [CapturedPacket]) -> [UInt8] {
    let isFine = packets.contains { $0.time % 1000 != 0 }
    var octets: [UInt8] = []
    for value in [isFine ? nanoseconds : microseconds, 0x0004_0002, 0, 0, UInt32(longestPacket), ethernet] {
      append(value, to: &octets)
    }
    for packet in packets {
      let fraction = packet.time % 1_000_000_000
      append(UInt32(truncatingIfNeeded: packet.time / 1_000_000_000), to: &octets)
      append(UInt32(isFine ? fraction : fraction / 1000), to: &octets)
      append(UInt32(packet.frame.count), to: &octets)
      append(UInt32(packet.frame.count), to: &octets)
      octets.append(contentsOf: packet.frame)
    }
    return octets
  }

  private static func append(_ value: UInt32, to octets: inout [UInt8]) {
    for shift in [0, 8, 16, 24] { octets.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }
}
