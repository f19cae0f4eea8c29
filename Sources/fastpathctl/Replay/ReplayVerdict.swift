import Assembly

/// One input packet's line of verdicts.ndjson: its last fate, and the ports of everything that came of it.
struct ReplayVerdict {
  /// Index of the port it arrived on.
  let port: Int
  var fate: OfflineEvent.Fate = .held
  /// Port indices in the order of transmission.
  var out: [Int] = []

  /// CONTRACT's words for the fate.
  var words: (verdict: String, reason: String?) {
    switch fate {
    case .transmitted: ("tx", nil)
    case .kernel(let reason): ("kernel", reason)
    case .dropped(let reason): ("drop", reason.name)
    case .held: ("held", nil)
    }
  }
}
