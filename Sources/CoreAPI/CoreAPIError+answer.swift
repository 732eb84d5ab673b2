internal import HTTPTransport
internal import HTTPTypes

extension CoreAPIError {
    /// What a response means that is not a success.
    init(_ head: HTTPResponse) {
        let code = head.status.code
        let message = "the core API answered \(code)"
        switch code {
        case 401: self.init(.unauthorized, message)
        case 403: self.init(.forbidden, message)
        case 404: self.init(.notFound, message)
        case 405: self.init(.noSuchRoute, message)
        case 429, 500...599: self.init(.unavailable, message, retryAfter: head.headerFields.retryAfterDuration)
        case 400...499: self.init(.rejected, message)
        default: self.init(.unintelligible, message)
        }
    }

    /// What it means that there is no complete response.
    ///
    /// The transport's own words are left out: they name the host and the path, which are the operator's business
    /// and not every caller's.
    init(_ error: TransportError) {
        switch error.kind {
        case .cancelled: self = .cancelled
        case .bodyTooLarge: self.init(.unintelligible, "the core API's answer is longer than is accepted")
        default: self.init(.unavailable, "the core API cannot be reached (\(error.kind.rawValue))")
        }
    }

    static let cancelled = CoreAPIError(.cancelled, "the request to the core API was cancelled")
}
