import ArgumentParser
import FoundationEssentials
import Hummingbird
import Logging

/// `preview-devcluster sample-app`: a small web app that runs in the sandbox by default.
struct SampleAppCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-app",
        abstract: "Serves a small page at $HOST:$PORT.",
        shouldDisplay: false
    )

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let host = environment["HOST"] ?? "127.0.0.1"
        guard let port = Int(environment["PORT"] ?? "3000"), (1...65_535).contains(port) else {
            throw ValidationError("PORT is not a TCP port.")
        }
        var logger = Logger(label: "sample-app")
        logger.logLevel = .notice
        let application = Application(
            router: Self.router(host: host, port: port),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "sample-app"),
            logger: logger
        )
        try await application.runService()
    }

    /// The routes: the page, the current time for it, and `/healthz`.
    static func router(host: String, port: Int) -> Router<BasicRequestContext> {
        let router = Router()
        let page = SamplePage(host: host, port: port).html
        router.get("/") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page))
            )
        }
        router.get("/time") { _, _ in Timestamp.text(Date()) }
        router.get("/healthz") { _, _ in "ok" }
        return router
    }
}
