enum Stub_KubernetesClient {}
