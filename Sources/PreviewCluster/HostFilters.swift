internal import Basics
internal import KubernetesModel
internal import PreviewDomain

/// The parts of an HTTPRoute that determine the host that the app receives.
///
/// With `localhost` the gateway rewrites the host, and the app finds the public one in `X-Forwarded-Host`. A route is
/// changed by a JSON Patch that tests the changed parts, since a gateway writes the route's status, and so changes its
/// resourceVersion, at any time.
struct HostFilters: Hashable, Sendable {
    private static let forwardedHost = "x-forwarded-host"
    private static let localName = "localhost"

    /// The indices in ``filters(bound:)``.
    private enum Path {
        private static let filters = JSONPointer("spec", "rules", "0", "filters")
        private static let requestFields = filters.appending("0").appending("requestHeaderModifier").appending("set")
        private static let responseFields = filters.appending("1").appending("responseHeaderModifier").appending("set")
        static let mark = responseFields.appending("0").appending("value")
        static let nextField = requestFields.appending("-")
        static let forwardedHost = requestFields.appending("1")
        static let nextFilter = filters.appending("-")
        static let rewrite = filters.appending("2")
        static let annotation = JSONPointer.annotation(PreviewAnnotations.Key.hostHeader)
    }

    private let host: HostHeader
    private let token: PreviewToken
    private let zone: ZoneSuffix

    /// - Parameter host: The public host, or `localhost`.
    init(_ host: HostHeader, of token: PreviewToken, zone: ZoneSuffix) {
        self.host = host
        self.token = token
        self.zone = zone
    }

    func filters(bound: ConnectionBound) -> [HTTPRoute.Filter] {
        var fields = [bound.field]
        guard host == .localhost else {
            return [.init(requestHeaderModifier: .init(set: fields)), ResponseFields(token, host: .preserve).filter]
        }
        fields.append(HTTPRoute.Header(name: Self.forwardedHost, value: token.host(zone: zone)))
        return [
            .init(requestHeaderModifier: .init(set: fields)), ResponseFields(token, host: .localhost).filter,
            .init(urlRewrite: .init(hostname: Self.localName)),
        ]
    }

    /// Changes a route with the other host to this one.
    var patch: JSONPatch {
        let other: HostHeader = host == .localhost ? .preserve : .localhost
        var operations: [JSONPatch.Operation] = [
            .test(Path.annotation, .string(other.rawValue)),
            .test(Path.mark, .string(ResponseFields(token, host: other).mark)),
        ]
        if host == .localhost {
            operations += [
                .add(
                    Path.nextField,
                    .object(["name": .string(Self.forwardedHost), "value": .string(token.host(zone: zone))])
                ),
                .add(
                    Path.nextFilter,
                    .object([
                        "type": .string("URLRewrite"), "urlRewrite": .object(["hostname": .string(Self.localName)]),
                    ])
                ),
            ]
        } else {
            operations += [
                .test(Path.forwardedHost.appending("name"), .string(Self.forwardedHost)),
                .test(Path.rewrite.appending("type"), .string("URLRewrite")),
                .remove(Path.forwardedHost), .remove(Path.rewrite),
            ]
        }
        operations += [
            .replace(Path.mark, .string(ResponseFields(token, host: host).mark)),
            .replace(Path.annotation, .string(host.rawValue)),
        ]
        return JSONPatch(operations)
    }
}
