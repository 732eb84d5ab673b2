import DevCluster
import Foundation

/// nginx with one worker, in a separate process: the usual reverse proxy, and the server behind both proxies.
final class Nginx: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let description = "nginx is missing: install nginx-light, or name the program in NGINX"
    }

    let port: Int
    private let process: Process

    var processID: Int32 { process.processIdentifier }

    /// - Parameters:
    ///   - name: The name of its files in `folder`.
    ///   - http: The contents of the block `http`, with `PORT` for its port.
    init(_ name: String, in folder: URL, http: String) async throws {
        let environment = ProcessInfo.processInfo.environment
        let program = environment["NGINX"] ?? "/usr/sbin/nginx"
        guard FileManager.default.isExecutableFile(atPath: program) else { throw Missing() }
        guard let port = Sockets.freePort(address: "127.0.0.1") else { throw NotInTime(what: "a port to be free") }
        self.port = port
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "    \($0)_temp_path \(folder.path)/\(name)-\($0);" }.joined(separator: "\n")
        let configuration = """
            daemon off;
            master_process off;
            pid \(folder.path)/\(name).pid;
            error_log \(folder.path)/\(name).log error;
            worker_rlimit_nofile 16384;
            events { worker_connections 8192; }
            http {
            \(temporary)
                access_log off;
                keepalive_requests 1000000000;
                sendfile on;
                tcp_nodelay on;
            \(http.replacing("PORT", with: "\(port)"))
            }
            """
        let file = folder.appending(path: "\(name).conf")
        try Data(configuration.utf8).write(to: file)
        process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["-p", folder.path, "-c", file.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await wait(for: "nginx") { [port] in (try? BlockingClient(port: port)) != nil }
    }

    func stop() {
        // SIGTERM would not arrive: a process inherits the signals that the starting thread blocks.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Serves `/kilobyte` and `/gigabyte`, and forwards runs' streams to another server.
    static func upstream(in folder: URL, streamsAt port: Int) async throws -> Nginx {
        let gigabyte = folder.appending(path: "gigabyte")
        _ = FileManager.default.createFile(atPath: gigabyte.path, contents: nil)
        try FileHandle(forWritingTo: gigabyte).truncate(atOffset: UInt64(RouterBenchmark.downloadBytes))
        return try await Nginx(
            "upstream",
            in: folder,
            http: """
                server {
                    listen 127.0.0.1:PORT backlog=2048;
                    default_type application/octet-stream;
                    root \(folder.path);
                    location = /kilobyte { return 200 "\(String(repeating: "x", count: 1_024))"; }
                    location /api/ {
                        proxy_pass http://127.0.0.1:\(port);
                        proxy_http_version 1.1;
                        proxy_buffering off;
                        proxy_read_timeout 1h;
                    }
                }
                """
        )
    }

    /// Forwards everything, over persistent connections.
    static func proxy(in folder: URL, to port: Int) async throws -> Nginx {
        try await Nginx(
            "proxy",
            in: folder,
            http: """
                upstream core { server 127.0.0.1:\(port); keepalive 64; }
                server {
                    listen 127.0.0.1:PORT backlog=2048;
                    location / {
                        proxy_pass http://core;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                    }
                }
                """
        )
    }
}
