enum Stub_KubernetesClientTests {}
