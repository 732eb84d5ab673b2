internal import Basics
internal import CoreAPI
internal import Logging
internal import PreviewControl
internal import PreviewDomain
internal import PreviewServer

extension Settings {
    /// The names, ranges and formats of all settings.
    enum Keys {
        static let enabled = Setting.boolean("Sandbox__Preview__Enabled")
        static let zoneSuffix = Setting(
            "Sandbox__Preview__ZoneSuffix",
            expected: "a DNS name such as preview.example.com"
        ) {
            try? ZoneSuffix($0)
        }
        static let gatewayName = Setting.objectName("Sandbox__Preview__GatewayName")
        static let gatewayNamespace = Setting.objectName("Sandbox__Preview__GatewayNamespace")
        static let namespace = Setting.objectName("Sandbox__Preview__Namespace")
        static let idleTimeout = Setting.duration(
            "Sandbox__Preview__IdleTimeoutMinutes",
            unit: .seconds(60),
            named: "minutes",
            in: 0.01...1440
        )
        static let maxLifetime = Setting.duration(
            "Sandbox__Preview__MaxLifetimeHours",
            unit: .seconds(3600),
            named: "hours",
            in: 0.001...168
        )
        static let maxConnection = Setting.duration(
            "Sandbox__Preview__MaxConnectionMinutes",
            unit: .seconds(60),
            named: "minutes",
            in: 0.01...10_080
        )
        static let keepAfterRun = Setting.boolean("Sandbox__Preview__KeepAfterRun")
        static let allowedPortMin = Setting.integer("Sandbox__Preview__AllowedPortMin", in: 1...65535)
        static let allowedPortMax = Setting.integer("Sandbox__Preview__AllowedPortMax", in: 1...65535)
        static let maxPerRun = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsPerRun", in: 1...1000)
        static let maxGlobal = Setting.integer("Sandbox__Preview__MaxConcurrentSessionsGlobal", in: 1...100_000)
        static let sweepInterval = Setting.duration(
            "Sandbox__Preview__SweepIntervalSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 1...3600
        )
        /// Shorter than a start may take, it would have the reaper take the Service from under a slow one.
        static let orphanGrace = Setting.duration(
            "Sandbox__Preview__OrphanGraceSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: PreviewPolicy.shortestOrphanGrace / .seconds(1)...3600
        )
        static let outageGrace = Setting.duration(
            "Sandbox__Preview__OutageGraceSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 0...3600
        )
        static let keepaliveCoalesce = Setting.duration(
            "Sandbox__Preview__KeepaliveCoalesceSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 0...3600
        )
        static let readyTimeout = Setting.duration(
            "Sandbox__Preview__ReadyTimeoutSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 0...60
        )
        static let hostHeader = Setting("Sandbox__Preview__HostHeader", expected: "auto, preserve or localhost") {
            HostHeader(rawValue: $0.lowercased())
        }
        static let labelPods = Setting.boolean("Sandbox__Preview__LabelPods")
        static let autoApprove = Setting.boolean("Sandbox__Preview__AutoApprove")
        /// The other name of ``autoApprove``.
        static let autoApproveInEnvironment = Setting.boolean("SANDBOX_PREVIEW_AUTO_APPROVE")
        static let ownersMayApproveAlways = Setting.boolean("Sandbox__Preview__OwnersMayApproveAlways")
        static let approvalTimeout = Setting.duration(
            "Sandbox__Preview__ApprovalTimeoutSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 1...86_400
        )
        static let urlScheme = Setting("Sandbox__Preview__UrlScheme", expected: "http or https") {
            PreviewAddress.Scheme(rawValue: $0.withoutBlanks.lowercased())
        }
        static let urlPort = Setting.integer("Sandbox__Preview__UrlPort", in: 1...65535)
        /// Never quoted: somebody may write credentials into it.
        static let coreAPI = Setting(
            "Agentweaver__ApiBaseUrl",
            expected: BaseURL.expectation,
            isSecret: true
        ) {
            try? BaseURL($0)
        }
        static let routerEnabled = Setting.boolean("Router__Enabled")
        static let routerHeadTimeout = Setting.duration(
            "Router__HeadTimeoutSeconds",
            unit: .seconds(1),
            named: "seconds",
            in: 1...3600
        )
        static let logLevel = Setting("Log__Level", expected: "one of \(logLevelNames)") {
            Logger.Level(rawValue: $0.withoutBlanks.lowercased())
        }
        static let logFormat = Setting("Log__Format", expected: "text or json") {
            LogFormat(rawValue: $0.withoutBlanks.lowercased())
        }

        private static let logLevelNames = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

        static let all: [String] =
            [
                enabled.key,
                zoneSuffix.key,
                gatewayName.key,
                gatewayNamespace.key,
                namespace.key,
                idleTimeout.key,
                maxLifetime.key,
                maxConnection.key,
                keepAfterRun.key,
                allowedPortMin.key,
                allowedPortMax.key,
                maxPerRun.key,
                maxGlobal.key,
                sweepInterval.key,
                orphanGrace.key,
                outageGrace.key,
                keepaliveCoalesce.key,
                readyTimeout.key,
                hostHeader.key,
                labelPods.key,
                autoApprove.key,
                autoApproveInEnvironment.key,
                ownersMayApproveAlways.key,
                approvalTimeout.key,
                urlScheme.key,
                urlPort.key,
                coreAPI.key,
                routerEnabled.key,
                routerHeadTimeout.key,
                logLevel.key,
                logFormat.key,
            ] + IdentitySettings.Keys.all + ServerSettings.Keys.all
    }
}
