internal import Basics
internal import OpenSSLKit
public import PreviewDomain

/// Resolves names in the previews' zone through the zone's own name servers.
///
/// A local resolver that is queried for a name before its record exists caches the negative answer for minutes. The
/// zone's servers answer from their own data, so they can be queried at any time; the local resolver is used only if
/// they cannot be queried (Docs/Decisions/0061).
public actor ZoneResolver: NameLookup {
    /// A name server.
    public struct Server: Hashable, Sendable {
        public let address: String
        public let port: Int

        public init(address: String, port: Int = 53) {
            self.address = address
            self.port = port
        }
    }

    /// The time limit for one server, and the number of servers that are queried.
    private static let responseLimitMilliseconds: Int32 = 250
    private static let maxServers = 2
    /// How long the zone's servers are cached, and how long the result that none were found.
    private static let serversLifetime = Duration.seconds(300)
    private static let absenceLifetime = Duration.seconds(30)
    /// How long an existing name is cached.
    private static let nameLifetime = Duration.seconds(10)
    private static let maxNames = 1000

    private let zone: String
    private let resolvers: @Sendable () -> [Server]
    private let serverPort: Int
    private let uptime: @Sendable () -> Duration
    private var servers: (list: [Server], until: Duration)?
    private var names: [String: (place: String, until: Duration)] = [:]

    /// - Parameters:
    ///   - zone: The previews' zone.
    ///   - resolvers: The local resolvers; those of `/etc/resolv.conf` by default.
    ///   - serverPort: The port of the zone's servers.
    ///   - uptime: The time since some fixed instant.
    public init(
        _ zone: ZoneSuffix,
        resolvers: @escaping @Sendable () -> [Server] = ZoneResolver.configuredResolvers,
        serverPort: Int = 53,
        uptime: @escaping @Sendable () -> Duration
    ) {
        self.zone = zone.text
        self.resolvers = resolvers
        self.serverPort = serverPort
        self.uptime = uptime
    }

    public func lookUp(_ host: String) async -> NameLookupResult {
        // Every machine resolves these names itself (RFC 6761 section 6.3).
        guard zone != "localhost", !zone.hasSuffix(".localhost") else { return .unknown }
        if let known = names[host], uptime() < known.until { return .found(known.place) }
        let list = await zoneServers()
        for server in list.prefix(Self.maxServers) {
            switch await Self.query(server, for: host) {
            case .found(let place):
                if names.count >= Self.maxNames { names = names.filter { uptime() < $0.value.until } }
                if names.count < Self.maxNames { names[host] = (place, uptime() + Self.nameLifetime) }
                return .found(place)
            case .absent:
                return .absent
            case .unknown:
                continue
            }
        }
        // Unreachable servers would cost time in every probe. If none are known, they are looked for again as planned.
        if !list.isEmpty { servers = ([], uptime() + Self.absenceLifetime) }
        return .unknown
    }

    public func isAbsentLocally(_ host: String) async -> Bool {
        for server in resolvers().prefix(Self.maxServers) {
            guard let message = await Self.exchange(server, host, .address, isRecursive: true), let code = message.code
            else { continue }
            return code == .noSuchName
        }
        return false
    }

    /// The address of a name, from a server that is responsible for it.
    private static func query(_ server: Server, for host: String) async -> NameLookupResult {
        for type in [DNSMessage.RecordType.address, .address6] {
            guard let message = await exchange(server, host, type, isRecursive: false), message.isAuthoritative else {
                return .unknown
            }
            switch message.code {
            case .noSuchName where message.answers.isEmpty: return .absent
            case .noError, .noSuchName: break
            case nil: return .unknown
            }
            if let address = message.answers.first(where: { $0.type == type }) { return .found(address.value) }
            if let alias = message.answers.last(where: { $0.type == .alias }) { return .found(alias.value) }
        }
        // The name exists, but has no address.
        return .absent
    }

    // MARK: The zone's servers

    private func zoneServers() async -> [Server] {
        if let servers, uptime() < servers.until { return servers.list }
        let list = await findServers()
        servers = (list, uptime() + (list.isEmpty ? Self.absenceLifetime : Self.serversLifetime))
        return list
    }

    /// The name servers of the zone, or of the zone that contains it.
    private func findServers() async -> [Server] {
        for resolver in resolvers().prefix(Self.maxServers) {
            guard
                var message = await Self.exchange(resolver, zone, .nameServer, isRecursive: true),
                message.code != nil
            else { continue }
            if !message.answers.contains(where: { $0.type == .nameServer }) {
                // It is not a zone of its own: the response names the one that contains it.
                guard let apex = message.authorities.first(where: { $0.type == .authority })?.owner, !apex.isEmpty,
                    let ofApex = await Self.exchange(resolver, apex, .nameServer, isRecursive: true)
                else { return [] }
                message = ofApex
            }
            var list: [Server] = []
            for name in message.answers.filter({ $0.type == .nameServer }).prefix(Self.maxServers) {
                let known = message.additional.first { $0.owner == name.value && $0.type == .address }?.value
                let address =
                    if let known { Optional(known) } else { await Self.address(of: name.value, by: resolver) }
                guard let address else { continue }
                list.append(Server(address: address, port: serverPort))
            }
            return list
        }
        return []
    }

    private static func address(of name: String, by resolver: Server) async -> String? {
        await exchange(resolver, name, .address, isRecursive: true)?.answers.first { $0.type == .address }?.value
    }

    private static func exchange(
        _ server: Server,
        _ name: String,
        _ type: DNSMessage.RecordType,
        isRecursive: Bool
    ) async -> DNSMessage? {
        guard let random = try? CSPRNG.bytes(2), random.count == 2,
            let query = DNSMessage.query(
                id: UInt16(random[0]) << 8 | UInt16(random[1]),
                name: name,
                type: type,
                isRecursive: isRecursive
            )
        else { return nil }
        return await DatagramExchange.send(
            query,
            to: server,
            limitMilliseconds: responseLimitMilliseconds
        ) { DNSMessage($0, to: query) }
    }

    private static let maxConfigurationBytes = 64 * 1024

    /// The servers that `/etc/resolv.conf` names (resolv.conf(5)).
    public static let configuredResolvers: @Sendable () -> [Server] = {
        guard let text = try? SmallFile.read("/etc/resolv.conf", maxBytes: maxConfigurationBytes) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            return words.count >= 2 && words[0] == "nameserver" ? Server(address: String(words[1])) : nil
        }
    }
}

/// Resolves names of previews without leaving negative answers in caches.
public protocol NameLookup: Sendable {
    /// Queries the servers that are responsible for the name.
    func lookUp(_ host: String) async -> NameLookupResult
    /// Whether the local resolver says that there is no such name. `false` if it does not answer.
    func isAbsentLocally(_ host: String) async -> Bool
}

/// The answer of a zone's name servers about a name in it.
public enum NameLookupResult: Hashable, Sendable {
    /// The name exists; its address, or the name of which it is an alias.
    case found(String)
    case absent
    /// The servers cannot be reached, or do not answer.
    case unknown
}
