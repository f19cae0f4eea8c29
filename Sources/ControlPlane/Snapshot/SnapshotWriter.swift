import ControlProtocol
import Foundation
import Glibc
import Synchronization

/// Writes one snapshot beside the last one, and puts it in its place when it is whole and on the disk. Not for the writer's
/// thread, since disks are slow.
package final class SnapshotWriter: Sendable {
  private struct State {
    var checksum = CRC32()
    var count: UInt64 = 0
    var isFinished = false
  }

  private let path: String
  private let file: FileHandle
  private let state = Mutex(State())

  private var temporary: String { path + ".tmp" }

  /// Begins the file `PATH.tmp`, which only the daemon's user can read: it names mobile nodes.
  package init(path: String, header: SnapshotHeader) throws {
    self.path = path
    // Safe, also below: paths are passed as terminated strings for the call only.
    let descriptor = unsafe open(path + ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SnapshotError.unwritable("\(path).tmp", errno) }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try put(header.octets)
  }

  deinit { abandon() }

  /// Gives it up: the last snapshot stays, and of this one nothing. Without effect once it is finished.
  package func abandon() {
    let isOpen = state.withLock { state in
      defer { state.isFinished = true }
      return !state.isFinished
    }
    if isOpen { unsafe unlink(temporary) }
  }

  /// Adds records of one table.
  /// - Parameter owners: of each record; nil: it comes back by itself with what names it.
  package func add(_ records: [TableRecord], owners: [UInt32?]) throws {
    var position = 0
    while position < records.count {
      let owner = owners[position]
      let end = owners[position...].firstIndex { $0 != owner } ?? records.count
      if let owner {
        var frame: [UInt8] = []
        Request.upsert(UpsertRequest(records: Array(records[position..<end]))).encode(requestID: owner, into: &frame)
        try put(frame)
        state.withLock { $0.count += UInt64(end - position) }
      }
      position = end
    }
  }

  /// Ends the file, waits for the disk, and gives it the snapshot's name.
  package func finish() throws {
    var end: [UInt8] = []
    Request.syncEnd(SyncEndRequest(count: state.withLock { $0.count })).encode(requestID: 0, into: &end)
    try put(end)
    var trailer: [UInt8] = []
    trailer.append(littleEndian: UInt64(state.withLock { $0.checksum.value }))
    try file.write(contentsOf: trailer)
    try file.synchronize()
    guard unsafe rename(temporary, path) == 0 else {
      throw SnapshotError.unwritable(path, errno)
    }
    state.withLock { $0.isFinished = true }
    try? FileHandle(forReadingFrom: URL(fileURLWithPath: path).deletingLastPathComponent()).synchronize()
  }

  private func put(_ octets: [UInt8]) throws {
    state.withLock { $0.checksum.add(octets) }
    try file.write(contentsOf: octets)
  }
}
