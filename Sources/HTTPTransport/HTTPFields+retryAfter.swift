internal import Basics
internal import FoundationEssentials
public import HTTPTypes

extension HTTPFields {
    /// The maximum delay that is returned. It also prevents an overflow with huge numbers.
    public static let maxRetryAfter = Duration.seconds(3600)

    /// The delay in `Retry-After`, given in seconds or as a date (RFC 9110 section 10.2.3); at most ``maxRetryAfter``. `nil` if
    /// the field is absent or malformed.
    ///
    /// A date is compared with the response's `Date`, so that the local clock has no influence.
    public var retryAfterDuration: Duration? {
        guard let text = self[.retryAfter] else { return nil }
        if let seconds = Int(text) { return seconds >= 0 ? Swift.min(.seconds(seconds), Self.maxRetryAfter) : nil }
        guard let until = HTTPDate.parse(text), let now = self[.date].flatMap(HTTPDate.parse) else { return nil }
        return Swift.min(Swift.max(.seconds(Int(until.timeIntervalSince(now))), .zero), Self.maxRetryAfter)
    }
}
