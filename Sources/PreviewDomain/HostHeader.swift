/// Which `Host` the app behind a preview sees.
public enum HostHeader: String, Hashable, Sendable, CaseIterable {
    /// The public host, and `localhost` where the app refuses that and accepts this.
    case auto
    /// The preview's public host.
    case preserve
    /// `localhost`, with the public host in `X-Forwarded-Host`.
    case localhost
}
