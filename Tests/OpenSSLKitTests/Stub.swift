enum Stub_OpenSSLKitTests {}
