public import PreviewDomain

/// Opens a preview as a browser does.
public protocol PreviewProbe: Sendable {
    /// Opens the preview's public address once.
    ///
    /// - Parameter timeout: The time in which the app has to answer after the connection was made.
    func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome
}

/// How far one probe of a preview's public address came: name, connection, TLS, response, in this order.
public enum ProbeOutcome: Hashable, Sendable {
    /// DNS has no such name.
    case nameNotFound
    /// No name server answered.
    case nameUnresolved
    /// No connection could be made.
    case notConnected
    /// The TLS handshake failed.
    case notTrusted(TLSFault)
    /// The connection was made and the request was sent; no answer arrived in time.
    case noResponse
    /// The connection ended before an answer, or the answer could not be read.
    case broken
    /// The address was not probed.
    case notProbed
    /// A response arrived, from any component.
    case answered(ProbeResponse)

    /// The reason why a certificate is not accepted.
    public enum TLSFault: String, Hashable, Sendable, CaseIterable {
        case expired
        /// The certificate is for other names.
        case wrongName
        /// No authority that is trusted here has issued the certificate.
        case untrusted
        /// The handshake failed for another reason.
        case handshake
    }
}

/// The parts of a response that show which component sent it and what it means.
public struct ProbeResponse: Hashable, Sendable {
    public var status: Int
    /// Whether the gateway reports the time of an upstream, which it does only for responses of upstreams.
    public var isFromUpstream: Bool
    /// The host that the app received, from the mark of this preview's route; `nil` for a response without that mark,
    /// which did not come through this route.
    public var mark: HostHeader?
    /// Whether it is the page for hosts without a preview.
    public var isEndedPage: Bool
    /// Where redirects end; `nil` if the response is not a redirect.
    public var redirect: RedirectEnd?
    /// The beginning of the body, if it may contain the cause of an error.
    public var text: String

    public init(
        status: Int,
        isFromUpstream: Bool = true,
        mark: HostHeader? = .preserve,
        isEndedPage: Bool = false,
        redirect: RedirectEnd? = nil,
        text: String = ""
    ) {
        self.status = status
        self.isFromUpstream = isFromUpstream
        self.mark = mark
        self.isEndedPage = isEndedPage
        self.redirect = redirect
        self.text = text
    }

    /// The target of redirects that do not end at a page of the preview.
    public enum RedirectEnd: Hashable, Sendable {
        /// A loop, or too many redirects within the preview.
        case loop
        /// The machine of the user who opens the preview, such as `http://localhost:3000`.
        case local(origin: String)
        /// The preview's host with another scheme or port, at which it is not served.
        case otherPort(origin: String)
        /// Another host.
        case elsewhere(origin: String)
        /// An invalid URL.
        case unreadable
    }
}
