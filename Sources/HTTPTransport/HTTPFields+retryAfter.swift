internal import Basics
internal import FoundationEssentials
public import HTTPTypes

extension HTTPFields {
    /// A longer wait than an hour is no wait; the limit keeps absurd numbers from overflowing.
    public static let maxRetryAfter = Duration.seconds(3600)

    /// What `Retry-After` says, in seconds or as a date (RFC 9110, section 10.2.3), at most ``maxRetryAfter``.
    ///
    /// A date is compared with the answer's own `Date`, so that this machine's clock does not matter.
    public var retryAfterDuration: Duration? {
        guard let text = self[.retryAfter] else { return nil }
        if let seconds = Int(text) { return seconds >= 0 ? Swift.min(.seconds(seconds), Self.maxRetryAfter) : nil }
        guard let until = HTTPDate.parse(text), let now = self[.date].flatMap(HTTPDate.parse) else { return nil }
        return Swift.min(Swift.max(.seconds(Int(until.timeIntervalSince(now))), .zero), Self.maxRetryAfter)
    }
}
