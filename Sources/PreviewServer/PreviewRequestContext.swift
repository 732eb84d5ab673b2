public import Hummingbird
internal import NIOCore
internal import PreviewIdentity

/// What travels with one request through middleware and handler.
public struct PreviewRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// Who asks; set by the authentication middleware, so every handler behind it can rely on it.
    var caller: Caller?
    /// How long the request may take.
    let timeLimit = RequestTimeLimit()
    /// Whether the answer is the core API's.
    let passedOn = PassedOnMark()
    /// The connection that the request came on.
    let channel: any Channel

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A body is a few members of JSON. Anything longer is answered with 413 before it is read to its end.
    public var maxUploadSize: Int { Self.maxBodyBytes }

    /// The largest request body, in bytes.
    public static let maxBodyBytes = 16 * 1024
}
