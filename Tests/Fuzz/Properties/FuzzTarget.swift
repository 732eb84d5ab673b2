/// A parser of foreign bytes: libFuzzer calls it with bytes of its own making, the tests with those of the corpus.
///
/// The raw value names its folder in `Corpus` and its file in `Dictionaries`.
enum FuzzTarget: String, CaseIterable, Sendable {
    /// Request bodies of the API.
    case bodies
    /// Bearer tokens, JSON Web Tokens above all.
    case tokens
    /// The documents and files in which an issuer's keys are.
    case keySets = "key-sets"
    /// What the API server sends: frames of watches, lists, objects, times.
    case watches
    /// Kubeconfig files, and what their exec plugins print.
    case kubeconfig
    /// What stands on objects in the cluster, where others may write too, and the names that callers send.
    case annotations
    /// Messages of the Model Context Protocol.
    case messages
    /// Heads of requests that the router passes on, or not.
    case requests
    /// Event streams of the core API, into which this service's events are set.
    case streams

    /// Reads `bytes` in every way in which the service would, and looks at what has to hold whatever they are.
    ///
    /// - Throws: ``BrokenProperty``.
    func run(_ bytes: [UInt8]) async throws {
        switch self {
        case .bodies: try BodyProperties.check(bytes)
        case .tokens: try await TokenProperties.check(bytes)
        case .keySets: try await KeySetProperties.check(bytes)
        case .watches: try WatchProperties.check(bytes)
        case .kubeconfig: try KubeconfigProperties.check(bytes)
        case .annotations: try AnnotationProperties.check(bytes)
        case .messages: try MessageProperties.check(bytes)
        case .requests: try RoutingProperties.check(bytes)
        case .streams: try StreamProperties.check(bytes)
        }
    }
}

/// Something that has to hold for every input does not hold for this one.
struct BrokenProperty: Error, CustomStringConvertible {
    /// What should hold, as a statement.
    let description: String
}

/// - Throws: ``BrokenProperty`` when the statement is not true.
func require(_ isTrue: Bool, _ statement: @autoclosure () -> String) throws {
    guard isTrue else { throw BrokenProperty(description: statement()) }
}

/// The value, which has to be there.
func require<Value>(_ value: Value?, _ statement: @autoclosure () -> String) throws -> Value {
    guard let value else { throw BrokenProperty(description: statement()) }
    return value
}
