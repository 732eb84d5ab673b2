import ArgumentParser
import FoundationEssentials
import Hummingbird

/// A small web server that stands for whatever a run builds: what `make run` shows without an app of its own.
struct SampleAppCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sample-app", shouldDisplay: false)

    /// A sentence of the page, by which the demo recognises it.
    static let greeting = "Hello from inside the sandbox."

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let host = environment["HOST"] ?? "127.0.0.1"
        let port = environment["PORT"].flatMap(Int.init) ?? 3000
        let router = Router()
        router.get("/") { request, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/html; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: Self.page(address: "\(host):\(port)")))
            )
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname(host, port: port))
        )
        try await application.runService()
    }

    private static func page(address: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>A preview</title>
        <style>
          body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f1ea;
                 color: #22303c; font: 18px/1.6 system-ui, sans-serif; }
          main { max-width: 34rem; padding: 3rem; background: #fff; border-radius: 14px;
                 box-shadow: 0 8px 30px rgb(34 48 60 / 12%); }
          h1 { margin: 0 0 .5rem; font-size: 1.8rem; }
          code { background: #eef2f5; padding: .1em .35em; border-radius: 4px; }
        </style>
        <main>
          <h1>\(greeting)</h1>
          <p>This page is served by a process at <code>\(address)</code>, which stands for a sandbox pod. It reached you
             through the gateway, at an address that nobody can guess.</p>
          <p>It was made at <time>\(Timestamp.text(Date()))</time>.</p>
        </main>
        </html>

        """
    }
}
