enum Stub_OpenSSLKit {}
