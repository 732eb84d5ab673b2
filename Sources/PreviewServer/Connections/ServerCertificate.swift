public import Logging
internal import NIOCertificateReloading
public import NIOSSL
public import ServiceLifecycle

/// The certificate that the server shows, read again from its files while the server runs.
///
/// A pair of files that cannot be used, half-written ones too, changes nothing but the log.
public struct ServerCertificate: Service {
    /// How often the files are read. Issuers renew weeks before the end.
    public static let reloadInterval = Duration.seconds(60)

    private let reloader: TimedCertificateReloader

    /// - Parameters:
    ///   - certificateFile: The path of the certificate, then those of its issuers, in PEM.
    ///   - privateKeyFile: The path of its key, in PEM.
    ///   - interval: How often both are read again.
    /// - Throws: When they cannot be used to begin with.
    public init(
        certificateFile: String,
        privateKeyFile: String,
        every interval: Duration = Self.reloadInterval,
        logger: Logger
    ) throws {
        let configuration = TimedCertificateReloader.Configuration(
            refreshInterval: interval,
            certificateSource: .init(location: .file(path: certificateFile), format: .pem),
            privateKeySource: .init(location: .file(path: privateKeyFile), format: .pem)
        ) {
            $0.onCertificateLoadFailed = { failure in
                // Of the error only the type: a parser may quote what it read, which may be the key.
                logger.error(
                    "the certificate cannot be used; the one before stays",
                    metadata: ["file": "\(certificateFile)", "error": "\(type(of: failure.error))"]
                )
            }
            $0.onCertificateLoaded = { _ in
                logger.info("a certificate was loaded", metadata: ["file": "\(certificateFile)"])
            }
        }
        reloader = try .makeReloaderValidatingSources(configuration: configuration)
    }

    /// TLS 1.2 or newer, with the newest usable certificate at each handshake.
    public func tlsConfiguration() throws -> TLSConfiguration {
        var configuration = try TLSConfiguration.makeServerConfiguration(certificateReloader: reloader)
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    /// Reads the files now.
    public func reload() throws {
        try reloader.reload()
    }

    public func run() async throws {
        try await reloader.run()
    }
}
