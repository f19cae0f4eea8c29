import ControlProtocol
import FlowTable
import Foundation
import Glibc
import Logging

/// Brings the tables up from a snapshot, before anybody is served: its entries forward at once, and are stale until their
/// owners say them again.
struct SnapshotLoading {
  /// Names that a refused snapshot is set aside under, the last one being used again and again.
  private static let asideNames = 99
  private static let second: UInt64 = 1_000_000_000

  let path: String
  let registry: Registry
  let role: HelloReply.Role
  let logger: Logger
  /// Nanoseconds of the registry's clock.
  let now: UInt64
  /// Nanoseconds since 1970.
  let wallTime: UInt64

  /// Loads it, if there is one; a bad one is set aside with its reason in the log, and nothing of it is used.
  func run() {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do throws(SnapshotError) {
      let reader = try SnapshotReader(path: path, role: role)
      try load(reader)
    } catch {
      setAside("\(error)")
    }
  }

  private func load(_ reader: SnapshotReader) throws(SnapshotError) {
    let age = wallTime > reader.header.time ? (wallTime - reader.header.time) / Self.second : 0
    var outcome = Outcome()
    var ended = 0
    try reader.read { owner, records in
      let alive = records.compactMap { $0.aged(seconds: age) }
      ended += records.count - alive.count
      let part = registry.restore(alive, owner: owner, now: now)
      outcome.applied += part.applied
      outcome.failed += part.failed
      if outcome.firstFailure == nil { outcome.firstFailure = part.firstFailure }
    }
    let facts: Logger.Metadata = [
      "path": "\(path)", "entries": "\(outcome.applied)", "ended": "\(ended)", "seconds": "\(age)",
    ]
    logger.notice("forwarding from the snapshot; all of it is stale until it is said again", metadata: facts)
    guard let failure = outcome.firstFailure else { return }
    logger.warning(
      "the configuration refuses entries of the snapshot",
      metadata: ["entries": "\(outcome.failed)", "first": "\(failure.field): \(failure.rule)"])
  }

  private func setAside(_ reason: String) {
    let free = (1..<Self.asideNames).first { !FileManager.default.fileExists(atPath: "\(path).damaged-\($0)") }
    let aside = "\(path).damaged-\(free ?? Self.asideNames)"
    // Safe: both paths are passed as terminated strings for the call only.
    let isMoved = unsafe rename(path, aside) == 0
    logger.error(
      "the snapshot is refused, the tables are empty",
      metadata: ["path": "\(path)", "reason": "\(reason)", "kept-as": "\(isMoved ? aside : path)"])
  }
}

extension TableRecord {
  /// With what is left of its lifetime after a while; nil if it has ended.
  func aged(seconds: UInt64) -> TableRecord? {
    switch self {
    case .binding(var record):
      guard let lifetime = record.lifetime else { return self }
      guard lifetime > seconds else { return nil }
      record.lifetime = lifetime - UInt32(seconds)
      return .binding(record)
    case .route(var record):
      guard let lifetime = record.lifetime else { return self }
      guard lifetime > seconds else { return nil }
      record.lifetime = lifetime - UInt32(seconds)
      return .route(record)
    case .tunnel, .visitor, .peer: return self
    }
  }
}
