import Logging
import Synchronization

/// Keeps what is logged: level, message and the values of the metadata in one line.
struct LogRecorder: LogHandler {
  private final class Lines: Sendable {
    let texts = Mutex<[String]>([])
  }

  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]
  private let lines = Lines()

  var texts: [String] { lines.texts.withLock { $0 } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    lines.texts.withLock { $0.append("\(event.level): \(event.message)\(values)") }
  }
}
