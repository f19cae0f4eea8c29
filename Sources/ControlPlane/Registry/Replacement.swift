import ControlProtocol

/// The records of a transaction, aside until they become the content of the tables named, or are forgotten.
///
/// They are kept as the frames brought them: 80 octets for each binding without anything rare.
public final class Replacement {
  public let scope: TableScope
  private(set) var frames: [UpsertRequest.Content] = []
  /// Records of the accepted frames.
  public private(set) var count = 0
  /// Memory that they are counted with.
  public private(set) var octets = 0
  /// CRC-32 of their octets in the order sent.
  public private(set) var checksum = CRC32()
  /// Tunnels that have passed the rules, so that each is checked once.
  var tunnels: Set<WireTunnel> = []

  /// Memory of a binding in a frame of nothing but plain ones, and of any other record, with its texts.
  package static let plainOctets = 80
  package static let recordOctets = 400

  public init(_ scope: TableScope) { self.scope = scope }

  /// Memory of a frame's records.
  public static func octets(of request: UpsertRequest) -> Int {
    if case .plain(let bindings) = request.content { return bindings.count * plainOctets }
    return request.count * recordOctets
  }

  /// Takes a frame aside.
  /// - Parameter sum: of its records' octets, and how many these are.
  public func add(_ request: UpsertRequest, _ sum: (checksum: CRC32, octets: Int)) {
    guard request.count > 0 else { return }
    frames.append(request.content)
    count += request.count
    octets += Self.octets(of: request)
    checksum.add(sum.checksum, octets: sum.octets)
  }
}
