public import Basics
public import Logging
internal import OpenSSLKit
internal import Synchronization

/// The shared key of the platform's own callers.
public struct ServiceKey: Hashable, Sendable {
    /// The minimum length, so that a key cannot be guessed.
    public static let minLength = 16

    /// The key itself, for requests with it as a bearer token to other services.
    public let bearer: Secret

    /// - Parameter key: The key; surrounding white space, such as a file's last newline, is not part of it.
    /// - Returns: `nil` when it is shorter than ``minLength`` or cannot be sent in a header (visible ASCII only).
    public init?(_ key: String) {
        let text = key.trimmed
        guard text.utf8.count >= Self.minLength, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        bearer = Secret(text)
    }

    /// Compares in a time that does not depend on where the two differ.
    public func matches(_ presented: some StringProtocol) -> Bool {
        constantTimeEquals(Array(bearer.value.utf8), Array(presented.utf8))
    }
}

/// Authenticates the platform's own callers by their shared key.
public struct ServiceKeyVerifier: CredentialVerifier {
    private let caller: Caller
    private let key: @Sendable () -> ServiceKey

    /// - Parameters:
    ///   - user: The identity of these callers.
    ///   - key: Returns the present key.
    public init(user: String, key: @escaping @Sendable () -> ServiceKey) {
        caller = Caller(identity: user, role: .service)
        self.key = key
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult {
        key().matches(bearer.value) ? .accepted(caller) : .notRecognized
    }
}

/// The service key in a file that may be replaced while the service runs, as a mounted Kubernetes Secret is.
public final class ServiceKeyFile: Sendable {
    /// The age at which the file is read again.
    public static let checkInterval = Duration.seconds(5)

    /// The largest file that is read, in bytes.
    public static let maxBytes = 4096

    private struct State {
        var key: ServiceKey
        var checkedAt: Duration
        var isUsable = true
    }

    private let path: String
    private let uptime: @Sendable () -> Duration
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - key: The content of the file when the service started, from ``key(at:)``.
    ///   - uptime: The time since some fixed instant.
    public init(path: String, key: ServiceKey, uptime: @escaping @Sendable () -> Duration, logger: Logger) {
        self.path = path
        self.uptime = uptime
        self.logger = logger
        state = Mutex(State(key: key, checkedAt: uptime()))
    }

    /// The present key: the file's, or the last valid one while the file contains none.
    public var key: ServiceKey {
        state.withLock { state in
            let now = uptime()
            guard now - state.checkedAt >= Self.checkInterval else { return state.key }
            state.checkedAt = now
            do throws(UnusableKeyFile) {
                let key = try Self.key(at: path)
                if key != state.key { logger.notice("the service key was replaced") }
                state.key = key
                state.isUsable = true
            } catch {
                // Logged once, and not for each read with the same result.
                if state.isUsable {
                    logger.error(
                        "the service key's file cannot be used; the previous key remains valid",
                        metadata: ["why": "\(error)"]
                    )
                }
                state.isUsable = false
            }
            return state.key
        }
    }

    /// Reads the key of a file.
    public static func key(at path: String) throws(UnusableKeyFile) -> ServiceKey {
        let text: String
        do { text = try SmallFile.read(path, maxBytes: maxBytes, waitsForWriter: false) } catch .unreadable {
            throw .unreadable
        } catch {
            throw .noKey
        }
        guard let key = ServiceKey(text) else {
            throw .noKey
        }
        return key
    }
}

/// The reason why a file contains no service key.
public enum UnusableKeyFile: Error, Hashable, CustomStringConvertible {
    case unreadable
    case noKey

    public var description: String {
        switch self {
        case .unreadable: "expected the path of a readable file"
        case .noKey: "its content is not at least \(ServiceKey.minLength) visible ASCII characters"
        }
    }
}
