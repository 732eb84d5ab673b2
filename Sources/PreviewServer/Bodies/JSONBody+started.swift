internal import HTTPTypes
internal import PreviewControl
internal import PreviewDomain

extension JSONBody {
    /// The answer to a start: the session, and in a header where the time went.
    init(_ started: StartedPreview, run: RunID, address: PreviewAddress) throws {
        try self.init(SessionBody(started.session, run: run, address: address))
        headers[.serverTiming] = [("provision", started.provisioning), ("settle", started.waiting)]
            .map { "\($0);dur=\($1.milliseconds)" }
            .joined(separator: ", ")
    }
}

extension HTTPField.Name {
    /// Where the time of a start went (W3C Server Timing), in milliseconds.
    // swift-format-ignore: NeverForceUnwrap
    static let serverTiming = HTTPField.Name("Server-Timing")!
}

extension Duration {
    /// Milliseconds with three decimals, as Server Timing wants them.
    fileprivate var milliseconds: Double {
        let microseconds = components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
        return Double(microseconds) / 1000
    }
}
