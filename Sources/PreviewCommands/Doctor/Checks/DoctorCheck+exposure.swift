internal import Basics
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesModel
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewDomain

/// Checks of what is publicly visible: the certificate, the cookies of other hosts in the zone, and the tokens in the Gateway's
/// metrics.
extension DoctorCheck {
    /// A certificate that expires sooner is reported, because automatic renewal should already have replaced it.
    private static let renewalTime = Duration.seconds(14 * 86_400)
    /// The most Gateway pods whose metrics are read.
    private static let maxGatewayPods = 3

    static let exposureChecks = [
        DoctorCheck("PG303", .gateway, "the certificate covers the zone, and does not expire soon") { context in
            guard let zone = context.connection.settings.zone else {
                return .skipped("\(Settings.Keys.zoneSuffix.key) is not set")
            }
            let gateway: InspectedGateway
            do { gateway = try await context.previewGateway() } catch let error as KubernetesError
                where error.isNotFound
            { return .skipped("there is no Gateway") }
            let listeners = (gateway.spec?.listeners ?? []).filter { $0.protocol == "HTTPS" || $0.protocol == "TLS" }
            // A listener with the hostname takes precedence over one that accepts all (Gateway API, `Listener.hostname`).
            guard
                let listener = listeners.first(where: { $0.hostname == "*.\(zone)" })
                    ?? listeners.first(where: { $0.hostname == nil })
            else { return .skipped("no listener for the zone has TLS") }
            // Every preview's host is one label under the zone, so any such host shows whether the certificate covers them.
            let host = "doctor-preview.\(zone)"
            switch try await context.certificate(of: gateway, listener, host: host) {
            case .none(let finding): return finding
            case .found(let certificate, let place):
                return finding(for: certificate, from: place, zone: "\(zone)", now: context.probes.now())
            }
        },
        DoctorCheck("PG304", .gateway, "only previews use the zone") { context in
            guard let zone = context.connection.settings.zone else {
                return .skipped("\(Settings.Keys.zoneSuffix.key) is not set")
            }
            let routes = try await context.client.list(InspectedRoute.self, in: context.namespace).items
            let others = routes.filter { route in
                !route.metadata.isPreview && route.spec?.parentRefs?.allSatisfy { $0.name == context.gateway } != true
            }
            let hosts = Set(
                others.flatMap { $0.spec?.hostnames ?? [] }.filter { $0 == "\(zone)" || $0.hasSuffix(".\(zone)") }
            )
            guard hosts.isEmpty else {
                return .warning(
                    "hosts in the same zone: \(hosts.sorted().joined(separator: ", ")); previews can set cookies for them",
                    remedy:
                        "use a separate zone for previews, or see Docs/ThreatModel.md for the remaining risk"
                )
            }
            return .ok("no other host of namespace \(context.namespace) is under \(zone)")
        },
        DoctorCheck("PG305", .gateway, "the Gateway's metrics contain no tokens") { context in
            let tokens = try await context.connection.objects.routes(reusing: { _ in nil }).map(\.token)
            guard !tokens.isEmpty else { return .skipped("there is no preview to search for") }
            let pods = try await context.client.listMetadata(
                of: Pod.self,
                in: context.gatewayNamespace,
                labelSelector: LabelSelector(matching: [gatewayLabel: context.gateway])
            ).items.map(\.metadata.name).prefix(maxGatewayPods)
            guard !pods.isEmpty else {
                return .skipped("there is no pod of the Gateway in \(context.gatewayNamespace)")
            }
            var found: Set<PreviewToken> = []
            for pod in pods {
                let page: String
                do {
                    page = try await context.probes.gatewayMetrics(context.client, pod, context.gatewayNamespace)
                } catch {
                    return .skipped("the metrics of pod \(pod) could not be read")
                }
                found.formUnion(tokens.filter { page.contains($0.text) })
            }
            guard found.isEmpty else {
                return .warning(
                    """
                    \(found.count) of \(tokens.count) tokens are in the metrics (\(found.map(\.fingerprint).sorted().joined(separator: ", "))), \
                    so anyone who reads the metrics can open these previews
                    """,
                    remedy: "drop the labels that name Services and hosts when scraping"
                )
            }
            return .ok("none of \(tokens.count) in \(pods.count) pods")
        },
    ]

    private static let gatewayLabel = "gateway.networking.k8s.io/gateway-name"

    static func finding(for certificate: ServerCertificate, from place: String, zone: String, now: Date)
        -> DoctorFinding
    {
        let renew = "kubectl get secret,certificate,defaultdomaincertificate -A; renew it at its source"
        let end = Date(timeIntervalSince1970: Double(certificate.notAfterSeconds))
        let day = RFC3339.string(end).prefix(10)
        guard certificate.coversHost else {
            return .failure("the certificate of \(place) does not cover *.\(zone)", remedy: "use one for *.\(zone)")
        }
        guard now < end else { return .failure("the certificate of \(place) expired on \(day)", remedy: renew) }
        guard now >= Date(timeIntervalSince1970: Double(certificate.notBeforeSeconds)) else {
            return .failure("the certificate of \(place) is not valid yet", remedy: "compare the clocks: PG102")
        }
        guard now + renewalTime < end else {
            return .warning("the certificate of \(place) expires on \(day)", remedy: renew)
        }
        return .ok("*.\(zone), from \(place), until \(day)")
    }
}

extension DoctorContext {
    /// A certificate and the place where it was found, or the finding to report if there is none.
    fileprivate enum FoundCertificate {
        case found(ServerCertificate, at: String)
        case none(DoctorFinding)
    }

    private static let tlsPort = 443

    /// The certificate of a listener: read from its Secret, or from a TLS handshake if the account may not read the Secret.
    fileprivate func certificate(
        of gateway: InspectedGateway,
        _ listener: InspectedGateway.Spec.Listener,
        host: String
    ) async throws -> FoundCertificate {
        if let reference = listener.tls?.certificateRefs?.first {
            let place = "secret \(reference.namespace ?? gatewayNamespace)/\(reference.name)"
            do {
                let secret = try await client.get(
                    InspectedSecret.self,
                    named: reference.name,
                    in: reference.namespace ?? gatewayNamespace
                )
                let pem = secret.data?["tls.crt"].flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) }
                guard let certificate = pem.flatMap({ ServerCertificate(pem: $0, host: host) }) else {
                    return .none(.failure("\(place) contains no certificate", remedy: "add one as its tls.crt"))
                }
                return .found(certificate, at: place)
            } catch let error as KubernetesError where error.isNotFound {
                return .none(.failure("there is no \(place)", remedy: "create it, or wait until it is issued"))
            } catch let error as KubernetesError where error.kind == .forbidden {
                // Continue with the handshake: the certificate that the server presents is public.
            }
        }
        guard let address = gateway.status?.addresses?.compactMap(\.value).first else {
            return .none(.skipped("the Secret cannot be read, and the Gateway has no address"))
        }
        let endpoint = "\(address.contains(":") ? "[\(address)]" : address):\(listener.port ?? Self.tlsPort)"
        guard let certificate = await probes.presentedCertificate(endpoint, host) else {
            return .none(.skipped("the Secret cannot be read, and \(endpoint) cannot be reached"))
        }
        return .found(certificate, at: endpoint)
    }
}
