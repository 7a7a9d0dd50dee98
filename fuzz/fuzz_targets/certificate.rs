//! Certificates of clients: whatever one holds is told of in the same way twice, and its PEM is its bytes again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::tls::certificate::Certificate;
use tidegate_core::tls::client::ClientCertificate;

fuzz_target!(|der: &[u8]| {
    let read = Certificate::parse(der);
    let told = ClientCertificate::parse(der);
    assert_eq!(read.is_ok(), told.is_ok());
    let (Ok(read), Ok(told)) = (read, told) else { return };
    assert_eq!((&told.subject, &told.issuer, &told.serial), (&read.subject, &read.issuer, &read.serial));
    assert!(told.serial.split(':').all(|byte| byte.len() == 2));
    for time in [&told.not_before, &told.not_after] {
        assert!(time.ends_with(" GMT") && time.is_ascii(), "{time}");
    }
    let body: String = told.pem.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(body.len(), der.len().div_ceil(3) * 4, "base64 of all of it");
    let _ = read.is_for("a.example.com");
    let _ = read.is_self_issued();
});
