public import Basics

extension HTTPDate {
    /// An IMF-fixdate (RFC 9110, 5.6.7) of a moment on 6 November 1994, in whole seconds since 1970.
    public static func text(_ seconds: Double) -> String {
        let ofDay = Int(seconds) - 784_080_000
        let parts = [ofDay / 3600, ofDay / 60 % 60, ofDay % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "Sun, 06 Nov 1994 \(parts.joined(separator: ":")) GMT"
    }
}
