enum Stub_DevClusterTests {}
