public import PreviewDomain

/// Opens a preview the way its user would.
public protocol PreviewProbe: Sendable {
    /// Opens the preview's public address once.
    ///
    /// - Parameter patience: How long the app may take to answer once the connection is there.
    func probe(_ token: PreviewToken, patience: Duration) async -> ProbeOutcome
}

/// How far one probe of a preview's public address came: name, connection, TLS, answer, in this order.
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
    case silent
    /// The connection ended before an answer, or the answer could not be read.
    case broken
    /// Nobody has opened it.
    case notTried
    /// An answer arrived, from whomever.
    case answered(PreviewAnswer)

    /// Why a certificate was refused.
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

/// An answer to a probe, as far as it tells who answered and what it means.
public struct PreviewAnswer: Hashable, Sendable {
    public var status: Int
    /// Whether the gateway says how long an upstream took, which it does for answers of upstreams only.
    public var isFromUpstream: Bool
    /// Which host the app saw, as this preview's own route marks its answers; `nil` for an answer without that mark, which
    /// did not come by this route.
    public var mark: HostHeader?
    /// Whether it is the page that hosts without a preview get.
    public var isEndedPage: Bool
    /// Where redirects end; `nil` where the answer is not a redirect.
    public var redirect: RedirectEnd?
    /// The beginning of the body, where that may say what is wrong.
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

    /// Where redirects lead that do not end at a page of the preview.
    public enum RedirectEnd: Hashable, Sendable {
        /// Back to where they began, or on and on within the preview.
        case loop
        /// To the machine of whoever opens the preview, such as `http://localhost:3000`.
        case local(origin: String)
        /// To the preview's host by another scheme or port, at which it is not served.
        case otherPort(origin: String)
        /// To another host.
        case elsewhere(origin: String)
        /// To something that is no URL.
        case unreadable
    }
}
