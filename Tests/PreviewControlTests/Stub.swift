enum Stub_PreviewControlTests {}
